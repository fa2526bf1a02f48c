// SPDX-License-Identifier: Apache-2.0
#include "loadgen/stats/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/check.h"

namespace weir::loadgen {
namespace {

constexpr size_t kLanes = 8;
constexpr size_t kBlock = 128;  // longer sums are halved

double BlockSum(std::span<const double> values) {
  std::array<double, kLanes> lanes;
  std::copy_n(values.begin(), kLanes, lanes.begin());
  const size_t whole = values.size() - values.size() % kLanes;
  for (size_t i = kLanes; i < whole; i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  double sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) +
               ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]));
  for (size_t i = whole; i < values.size(); ++i) sum += values[i];
  return sum;
}

// NumPy's interpolation: from the nearer end, so that it is monotonous.
double Lerp(double a, double b, double t) {
  const double difference = b - a;
  return t < 0.5 ? a + difference * t : b - difference * (1 - t);
}

}  // namespace

double PairwiseSum(std::span<const double> values) {
  if (values.size() < kLanes) {
    double sum = 0;
    for (const double value : values) sum += value;
    return sum;
  }
  if (values.size() <= kBlock) return BlockSum(values);
  size_t half = values.size() / 2;
  half -= half % kLanes;
  return PairwiseSum(values.first(half)) + PairwiseSum(values.subspan(half));
}

Distribution::Distribution(std::vector<double> samples) : sorted_(std::move(samples)) {
  if (sorted_.empty()) return;
  const auto n = static_cast<double>(sorted_.size());
  mean_ = PairwiseSum(sorted_) / n;
  std::vector<double> squares;
  squares.reserve(sorted_.size());
  for (const double sample : sorted_) squares.push_back((sample - mean_) * (sample - mean_));
  std_ = std::sqrt(PairwiseSum(squares) / n);
  std::sort(sorted_.begin(), sorted_.end());
}

double Distribution::median() const {
  if (sorted_.empty()) return 0;
  const size_t middle = sorted_.size() / 2;
  if (sorted_.size() % 2 == 1) return sorted_[middle];
  return (sorted_[middle - 1] + sorted_[middle]) / 2;
}

double Distribution::Percentile(double percent) const {
  WEIR_CHECK(percent >= 0 && percent <= 100);
  if (sorted_.empty()) return 0;
  const double at = static_cast<double>(sorted_.size() - 1) * (percent / 100);
  const double below = std::floor(at);
  const auto index = static_cast<size_t>(below);
  const size_t above = std::min(index + 1, sorted_.size() - 1);
  return Lerp(sorted_[index], sorted_[above], at - below);
}

}  // namespace weir::loadgen
