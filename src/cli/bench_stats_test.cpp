// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_stats.h"

#include <gtest/gtest.h>
#include <numeric>

namespace weir {
namespace {

// 1, 2, ... n, the largest first: order must not matter.
std::vector<double> Ranks(int n) {
  std::vector<double> samples(static_cast<size_t>(n));
  std::iota(samples.rbegin(), samples.rend(), 1.0);
  return samples;
}

TEST(Median, IsTheMiddleOrTheMeanOfTheTwoInTheMiddle) {
  EXPECT_EQ(Median({7}), 7);
  EXPECT_EQ(Median({9, 1, 4}), 4);
  EXPECT_EQ(Median({8, 1, 2, 5}), 3.5);
  EXPECT_EQ(Median({1, 1, 1, 1000}), 1) << "one preempted sample moves nothing";
}

TEST(MedianDeviation, IsTheMedianDistanceFromTheMedian) {
  // Median 4; distances 3, 2, 0, 1, 96.
  EXPECT_EQ(MedianDeviation({1, 2, 4, 5, 100}), 2);
  EXPECT_EQ(MedianDeviation({3, 3, 3}), 0);
  EXPECT_EQ(MedianDeviation({5}), 0);
}

TEST(Quantile, IsLinearBetweenSamples) {
  EXPECT_EQ(Quantile({30, 10, 20}, 0), 10);
  EXPECT_EQ(Quantile({30, 10, 20}, 1), 30);
  EXPECT_EQ(Quantile({30, 10, 20}, 0.25), 15);
  EXPECT_DOUBLE_EQ(Quantile(Ranks(11), 0.1), 2);
  EXPECT_DOUBLE_EQ(Quantile({0, 1}, 0.9), 0.9);
  EXPECT_EQ(Quantile({4}, 0.9), 4);
}

// By hand, from the binomial distribution with p = 1/2. 15 throws show at most 3 heads with
// 576 / 32768 = 1.8 %, at most 4 with 1941 / 32768 = 5.9 %: three samples are left out on each
// side. 9 throws: at most 1 with 10 / 512 = 2.0 %, at most 2 with 46 / 512. 6 throws: 0 with
// 1 / 64 = 1.6 %, at most 1 with 7 / 64; 5 throws: 0 with 1 / 32 = 3.1 % already.
TEST(MedianInterval, LeavesOutAsManyAsACoinWould) {
  const auto expect = [](int samples, double low) {
    const Interval interval = MedianInterval(Ranks(samples));
    EXPECT_EQ(interval.low, low) << samples;
    EXPECT_EQ(interval.high, samples + 1 - low) << samples;
  };
  expect(1, 1);
  expect(5, 1);
  expect(6, 1);
  expect(8, 1);
  expect(9, 2);
  expect(15, 4);
  expect(20, 6);
  expect(100, 40);
}

TEST(MedianInterval, ManySamplesDoNotUnderflow) {
  // Near the normal distribution: 5000 - 1.96 * 100 / 2.
  const Interval interval = MedianInterval(Ranks(10000));
  EXPECT_NEAR(interval.low, 4902, 2);
  EXPECT_NEAR(interval.high, 5099, 2);
}

TEST(Judge, AsksTheWholeInterval) {
  EXPECT_EQ(Judge({1.021, 1.5}), Verdict::kSlower);
  EXPECT_EQ(Judge({1.019, 1.5}), Verdict::kEven);
  EXPECT_EQ(Judge({0.5, 0.979}), Verdict::kFaster);
  EXPECT_EQ(Judge({0.5, 0.981}), Verdict::kEven);
  EXPECT_EQ(Judge({0.999, 1.001}), Verdict::kEven);
  EXPECT_EQ(Judge({0.9, 1.1}), Verdict::kEven) << "undecided counts as even";
  EXPECT_EQ(ToString(Verdict::kSlower), "slower");
  EXPECT_EQ(ToString(Verdict::kFaster), "faster");
  EXPECT_EQ(ToString(Verdict::kEven), "even");
}

TEST(StatsDeathTest, NoSamplesIsABug) {
  EXPECT_DEATH(Median({}), "empty");
  EXPECT_DEATH(MedianInterval({}), "empty");
}

}  // namespace
}  // namespace weir
