// SPDX-License-Identifier: Apache-2.0
//
// The last N values of something that is measured, and their quantiles.
#ifndef WEIR_ENGINE_RECENT_VALUES_H_
#define WEIR_ENGINE_RECENT_VALUES_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace weir {

template <size_t N>
class RecentValues {
 public:
  void Add(double value) {
    values_[next_] = value;
    next_ = (next_ + 1) % N;
    count_ = std::min(count_ + 1, N);
  }

  // The smallest value that a part `q` in (0, 1] of the values does not exceed; 0 without any.
  double Quantile(double q) const {
    if (count_ == 0) return 0;
    std::array<double, N> sorted = values_;
    const auto below = static_cast<size_t>(q * static_cast<double>(count_));
    const size_t rank = std::min(below, count_ - 1);
    std::nth_element(sorted.begin(), sorted.begin() + rank, sorted.begin() + count_);
    return sorted[rank];
  }

  size_t count() const { return count_; }

 private:
  std::array<double, N> values_ = {};
  size_t next_ = 0;
  size_t count_ = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_RECENT_VALUES_H_
