// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_stats.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

constexpr double kTail = 0.025;  // on either side of a 95 % interval

// How many samples are left out on either side: the largest j - 1 with P(heads < j) <= kTail.
size_t NumLeftOut(size_t num_samples) {
  const auto n = static_cast<double>(num_samples);
  double log_term = -n * std::log(2.0);  // of the binomial distribution; its terms underflow
  double tail = 0;
  for (size_t heads = 0; heads < num_samples; ++heads) {
    tail += std::exp(log_term);
    if (tail > kTail) return heads > 0 ? heads - 1 : 0;
    const auto h = static_cast<double>(heads);
    log_term += std::log((n - h) / (h + 1));
  }
  return 0;
}

}  // namespace

double Median(std::vector<double> samples) { return Quantile(std::move(samples), 0.5); }

double MedianDeviation(const std::vector<double>& samples) {
  const double median = Median(samples);
  std::vector<double> distances;
  for (const double sample : samples) distances.push_back(std::abs(sample - median));
  return Median(std::move(distances));
}

double Quantile(std::vector<double> samples, double part) {
  WEIR_CHECK(!samples.empty());
  std::sort(samples.begin(), samples.end());
  const double at = part * static_cast<double>(samples.size() - 1);
  const auto below = static_cast<size_t>(at);
  const size_t above = std::min(below + 1, samples.size() - 1);
  return samples[below] + (at - static_cast<double>(below)) * (samples[above] - samples[below]);
}

Interval MedianInterval(std::vector<double> samples) {
  WEIR_CHECK(!samples.empty());
  std::sort(samples.begin(), samples.end());
  const size_t left_out = NumLeftOut(samples.size());
  return {samples[left_out], samples[samples.size() - 1 - left_out]};
}

Verdict Judge(const Interval& ratio) {
  if (ratio.low > 1 + kEvenTolerance) return Verdict::kSlower;
  if (ratio.high < 1 - kEvenTolerance) return Verdict::kFaster;
  return Verdict::kEven;
}

std::string_view ToString(Verdict verdict) {
  switch (verdict) {
    case Verdict::kFaster:
      return "faster";
    case Verdict::kEven:
      return "even";
    case Verdict::kSlower:
      return "slower";
  }
  return "";
}

}  // namespace weir
