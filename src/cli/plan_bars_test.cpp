// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_bars.h"

#include <gtest/gtest.h>

#include "cli/plan_palette.h"

namespace weir {
namespace {

TimelineItem Item(int32_t row, int32_t worker, double begin_us, double end_us) {
  return {.row = row,
          .kind = BarKind::kDecode,
          .merges = false,
          .worker = worker,
          .begin_us = begin_us,
          .end_us = end_us};
}

constexpr BarScale kScale{.px_per_us = 10, .workers_per_lane = 1, .max_bars = 1000};

TEST(PlanBars, OneBarPerItemThatIsSeen) {
  const TimelineItem items[] = {Item(0, 1, 0, 2), Item(1, 0, 0, 1), Item(2, 0, 1, 4)};
  const auto bars = MakeBars(items, kScale);
  ASSERT_EQ(bars.size(), 3u);
  EXPECT_EQ(bars[0].lane, 0);
  EXPECT_EQ(bars[0].row, 1);
  EXPECT_EQ(bars[1].row, 2);
  EXPECT_EQ(bars[1].begin, 10);
  EXPECT_EQ(bars[1].end, 40);
  EXPECT_EQ(bars[2].lane, 1);
}

TEST(PlanBars, NarrowNeighboursBecomeOneInTheWidestOnesColour) {
  std::vector<TimelineItem> items = {Item(0, 0, 0, 0.01), Item(1, 0, 0.01, 0.03),
                                     Item(2, 0, 0.03, 0.04)};
  items[2].merges = true;
  const auto bars = MakeBars(items, kScale);
  ASSERT_EQ(bars.size(), 1u);
  EXPECT_EQ(bars[0].row, 1);
  EXPECT_TRUE(bars[0].merges) << "a mark is not lost";
  EXPECT_DOUBLE_EQ(bars[0].end, 0.4);
}

TEST(PlanBars, ANarrowItemBeforeAHoleStaysAlone) {
  const TimelineItem items[] = {Item(0, 0, 0, 0.01), Item(1, 0, 5, 5.01)};
  EXPECT_EQ(MakeBars(items, kScale).size(), 2u);
}

TEST(PlanBars, LanesAreNotJoined) {
  const TimelineItem items[] = {Item(0, 0, 0, 0.01), Item(1, 1, 0.01, 0.02)};
  EXPECT_EQ(MakeBars(items, kScale).size(), 2u);
}

TEST(PlanBars, SomeWorkersAreLeftOutWhereALaneStandsForMany) {
  const TimelineItem items[] = {Item(0, 0, 0, 1), Item(1, 1, 0, 1), Item(2, 4, 0, 1)};
  const auto bars = MakeBars(items, {.px_per_us = 10, .workers_per_lane = 2, .max_bars = 1000});
  ASSERT_EQ(bars.size(), 2u);
  EXPECT_EQ(bars[0].row, 0);
  EXPECT_EQ(bars[1].row, 2);
  EXPECT_EQ(bars[1].lane, 2);
}

TEST(PlanBars, ThereAreNeverMoreThanAllowed) {
  std::vector<TimelineItem> items;
  for (int32_t worker = 0; worker < 10; ++worker) {
    for (int32_t i = 0; i < 1000; ++i) items.push_back(Item(i, worker, i, i + 1));
  }
  const auto bars = MakeBars(items, {.px_per_us = 1, .workers_per_lane = 1, .max_bars = 500});
  EXPECT_LE(bars.size(), 500u);
  EXPECT_GE(bars.size(), 100u) << "no coarser than it must be";
  double covered = 0;
  for (const Bar& bar : bars) covered += bar.end - bar.begin;
  EXPECT_DOUBLE_EQ(covered, 10 * 1000);
}

TEST(PlanBars, NothingIsNothing) { EXPECT_TRUE(MakeBars({}, kScale).empty()); }

TEST(PlanPalette, NeighboursAndTintsDiffer) {
  for (int32_t row = 0; row < kNumRowColors; ++row) {
    for (int32_t other = 0; other < row; ++other) EXPECT_NE(RowColor(row), RowColor(other));
  }
  EXPECT_EQ(RowColor(kNumRowColors), RowColor(0));
  EXPECT_EQ(RowColor(0).size(), 7u);
}

TEST(PlanPalette, EachPatternDefinesWhatItsFillRefersTo) {
  for (const BarKind kind : {BarKind::kPrefill, BarKind::kShared}) {
    for (const int32_t row : {kNoRow, 0, 5, 26, 27, 1000}) {
      const std::string fill = FillFor(row, kind);
      ASSERT_EQ(fill.substr(0, 5), "url(#");
      const std::string id = "id=\"" + fill.substr(5, fill.size() - 6) + "\"";
      EXPECT_NE(PatternFor(row, kind).find(id), std::string::npos) << id;
    }
  }
  EXPECT_EQ(FillFor(3, BarKind::kDecode), RowColor(3));
  EXPECT_EQ(PatternFor(3, BarKind::kDecode), "");
}

}  // namespace
}  // namespace weir
