// SPDX-License-Identifier: Apache-2.0
#include "loadgen/report/series.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::loadgen {
namespace {

using ::testing::ElementsAre;

TEST(OverlapCounter, EndsThatTouchDoNotOverlap) {
  const std::vector<Span> spans = {{0, 2}, {1, 3}, {5, 6}};
  const OverlapCounter counter(spans);
  EXPECT_EQ(counter.Count({1, 2}), 2);
  EXPECT_EQ(counter.Count({2, 3}), 1);
  EXPECT_EQ(counter.Count({3, 5}), 0);
  EXPECT_EQ(counter.Count({0, 10}), 3);
  EXPECT_EQ(OverlapCounter(std::vector<Span>()).Count({0, 1}), 0);
}

TEST(PackRows, TakesTheFirstFreeRow) {
  const std::vector<Span> spans = {{0, 4}, {1, 2}, {2, 3}, {2.5, 9}, {4, 5}};
  EXPECT_THAT(PackRows(spans), ElementsAre(0, 1, 1, 2, 0));
}

TEST(RatesOver, CountsPerSecondInEqualParts) {
  EXPECT_THAT(RatesOver(std::vector<double>{0, 0.1, 1.9, 2, 7}, {0, 2}, 4),
              ElementsAre(4, 0, 0, 4));
  EXPECT_THAT(RatesOver({}, {1, 1}, 2), ElementsAre(0, 0));
}

TEST(GapsOf, ComeWithTheirPlaceInTime) {
  RequestOutcome outcome{.state = RequestState::kCompleted, .start_s = 1, .ttft_s = 2};
  outcome.itls_s = {0.5, 1};
  const std::vector<RequestOutcome> outcomes = {RequestOutcome(), outcome};
  const std::vector<Gap> gaps = GapsOf(outcomes);
  ASSERT_EQ(gaps.size(), 2u);
  EXPECT_EQ(gaps[1].request, 1u);
  EXPECT_EQ(gaps[1].span.begin_s, 3.5);
  EXPECT_EQ(gaps[1].span.end_s, 4.5);
  EXPECT_THAT(ChunkTimes(outcomes), ElementsAre(3, 3.5, 4.5));
  EXPECT_EQ(PrefillsOf(outcomes)[0].end_s, 3);
}

}  // namespace
}  // namespace weir::loadgen
