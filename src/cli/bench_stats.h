// SPDX-License-Identifier: Apache-2.0
//
// What benchmarks say about their samples. Medians and ranks throughout: one preempted sample must
// not move a figure, and no shape of the noise is assumed.
#ifndef WEIR_CLI_BENCH_STATS_H_
#define WEIR_CLI_BENCH_STATS_H_

#include <cstdint>
#include <string_view>
#include <vector>

namespace weir {

// Of samples in any order; the mean of the two in the middle where their number is even.
double Median(std::vector<double> samples);

// Median distance from the median.
double MedianDeviation(const std::vector<double>& samples);

// The sample at `part` of the way from the least (0) to the largest (1), linear between two.
double Quantile(std::vector<double> samples, double part);

struct Interval {
  double low;
  double high;
};

// Holds the median of what the samples were drawn from with a probability of at least 95 %,
// whatever its distribution: from the j-th least to the j-th largest sample, with the largest j
// such that a fair coin thrown once per sample shows fewer than j heads in at most 2.5 % of cases.
// It is what a bootstrap of the median tends to, without its randomness. 15 samples: the 4th and
// the 12th. Below 6 samples no interval reaches 95 %, and it is the least and the largest.
Interval MedianInterval(std::vector<double> samples);

// Whether a ratio differs from 1 by more than this tolerance, by its interval.
inline constexpr double kEvenTolerance = 0.02;
enum class Verdict { kFaster, kEven, kSlower };
Verdict Judge(const Interval& ratio);  // of a time to the time that it is compared with
std::string_view ToString(Verdict verdict);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_STATS_H_
