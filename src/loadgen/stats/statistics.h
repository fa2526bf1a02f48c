// SPDX-License-Identifier: Apache-2.0
//
// Means, deviations and percentiles exactly as NumPy computes them, to the last bit: the same
// pairwise sums in the same order, population deviation, percentiles interpolated linearly between
// neighbours. Figures can then be compared with those of tools that are written in Python.
#ifndef WEIR_LOADGEN_STATS_STATISTICS_H_
#define WEIR_LOADGEN_STATS_STATISTICS_H_

#include <span>
#include <vector>

namespace weir::loadgen {

// np.sum, by pairs.
double PairwiseSum(std::span<const double> values);

// A set of samples. Of no samples every figure is 0, as np.mean(samples or 0) has it.
class Distribution {
 public:
  Distribution() = default;
  explicit Distribution(std::vector<double> samples);

  size_t size() const { return sorted_.size(); }
  std::span<const double> sorted() const { return sorted_; }
  double mean() const { return mean_; }
  double std() const { return std_; }  // np.std: divided by n
  double median() const;
  double min() const { return sorted_.empty() ? 0 : sorted_.front(); }
  double max() const { return sorted_.empty() ? 0 : sorted_.back(); }
  // np.percentile, method "linear". Requires: 0 <= percent <= 100.
  double Percentile(double percent) const;

 private:
  std::vector<double> sorted_;
  double mean_ = 0;
  double std_ = 0;
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_STATS_STATISTICS_H_
