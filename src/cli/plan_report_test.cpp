// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_report.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/json.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

PlanReport Report(const char* rows, const std::vector<const char*>& policies,
                  int32_t shared_prefix = 0) {
  PlanReport report{.device = BuiltinProfile("h200").value(),
                    .shape = {.num_q_heads = 32, .num_kv_heads = 8, .head_dim = 128},
                    .groups = ParseRows(rows).value(),
                    .shared_prefix = shared_prefix};
  report.step = MakeStep(report.groups, shared_prefix).value();
  for (const char* name : policies) AddPolicy(ParseAttnPolicy(name).value(), report);
  return report;
}

std::string Text(const PlanReport& report, int64_t max_items = 0) {
  std::string text;
  WriteText(report, max_items, [&](std::string_view piece) { text += piece; });
  return text;
}

Json AsJson(const PlanReport& report, bool as_array) {
  std::string text;
  WriteJson(report, as_array, [&](std::string_view piece) { text += piece; });
  EXPECT_EQ(text.back(), '\n');
  const auto json = ParseJson(text, "report");
  EXPECT_TRUE(json.has_value()) << json.error().message;
  return json.value_or(Json());
}

std::vector<std::string> Keys(const Json& object) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : object.items()) keys.push_back(key);
  return keys;
}

TEST(PlanReport, TextComparesThePolicies) {
  const std::string text = Text(Report("1x128k,31x1k", {"before", "pr85", "weir"}));
  for (const char* part :
       {"h200: 132 multiprocessors, 264 workers", "32 query heads, 8 KV heads, head size 128, bf16",
        "1 decode at 131072; 31 decodes at 1024", "over weir", "0           1 decode at 131072",
        "1-31        31 decodes at 1024", "decode"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("begin us"))) << "items only where they are asked for";
}

// The claim of the design that the planner is built for.
TEST(PlanReport, SkewedLengthsGainFivefoldOverTheBatchScaledRule) {
  const PlanReport report = Report("1x128k,31x1k", {"pr85", "weir"});
  EXPECT_GE(report.policies[0].predicted_us() / report.policies[1].predicted_us(), 5.0);
}

TEST(PlanReport, TextShowsAsManyItemsAsWanted) {
  const PlanReport report = Report("8x2500", {"weir"});
  const int32_t num_items = report.policies[0].plan.work.num_items;
  EXPECT_THAT(Text(report, 3),
              HasSubstr(fmt::format("... {} more, see --items=all", num_items - 3)));
  EXPECT_THAT(Text(report, num_items), Not(HasSubstr("--items=all")));
  EXPECT_THAT(Text(report, INT64_MAX), Not(HasSubstr("--items=all")));
}

TEST(PlanReport, RowsOfAGroupThatAreTreatedAlikeAreOneLine) {
  const std::string text = Text(Report("3x2500,1x512+2000,2x1500+0", {"weir"}));
  EXPECT_THAT(text, HasSubstr("0-2         3 decodes at 2500"));
  EXPECT_THAT(text, HasSubstr("3           1 prefill of 512 after 2000"));
  EXPECT_THAT(text, HasSubstr("4-5         2 prefills of 1500"));
}

TEST(PlanReport, ManyGroupsAreNotAllNamedInTheHead) {
  std::string rows = "1x1";
  for (int i = 2; i <= 100; ++i) rows += ",1x" + std::to_string(i);
  EXPECT_THAT(Text(Report(rows.c_str(), {"weir"})), HasSubstr("; and 92 more groups\n"));
}

TEST(PlanReport, JsonHasTheKeysThatProgramsReadForEveryPolicy) {
  const Json json = AsJson(Report("2x2500,1x100+50", {"before", "pr85", "weir"}), true);
  ASSERT_EQ(json.size(), 3u);
  for (const Json& policy : json) {
    EXPECT_THAT(Keys(policy), testing::ElementsAre("policy", "predicted_us", "floor_us",
                                                   "num_items", "num_slots", "rows", "items"));
    EXPECT_GT(policy["predicted_us"].get<double>(), policy["floor_us"].get<double>());
    EXPECT_EQ(policy["items"].size(), policy["num_items"].get<size_t>());
    ASSERT_EQ(policy["rows"].size(), 3u);
    for (const Json& row : policy["rows"]) {
      EXPECT_THAT(Keys(row), testing::ElementsAre("route", "reason", "splits"));
      EXPECT_GE(row["splits"].get<int>(), 1);
      EXPECT_FALSE(row["reason"].get<std::string>().empty());
    }
    int order = 0;
    for (const Json& item : policy["items"]) {
      EXPECT_THAT(Keys(item),
                  testing::ElementsAre("row", "kv_head", "kv_begin", "kv_end", "q_begin", "q_end",
                                       "route", "worker_order", "slot", "shared_rows"));
      EXPECT_EQ(item["worker_order"], order++);
    }
  }
  EXPECT_EQ(json[0]["policy"], "before");
  EXPECT_TRUE(AsJson(Report("1x1", {"weir"}), false).is_object());
}

// Each key of each row and head once, as far as the JSON tells, and no part number twice.
TEST(PlanReport, JsonItemsCoverTheDecodes) {
  for (const char* policy : {"before", "pr85", "weir"}) {
    const Json json = AsJson(Report("1x40000,3x700", {policy}), false);
    std::map<std::pair<int, int>, std::map<int, int>> pieces;
    std::set<int> slots;
    int num_written = 0;
    for (const Json& item : json["items"]) {
      pieces[{item["row"], item["kv_head"]}][item["kv_begin"]] = item["kv_end"];
      if (item["slot"] >= 0) {
        EXPECT_TRUE(slots.insert(item["slot"].get<int>()).second) << policy;
        ++num_written;
      }
    }
    EXPECT_EQ(num_written, json["num_slots"]) << policy;
    EXPECT_EQ(pieces.size(), 4u * 8);
    for (const auto& [row_and_head, runs] : pieces) {
      int at = 0;
      for (const auto& [begin, end] : runs) {
        EXPECT_EQ(begin, at) << policy;
        at = end;
      }
      EXPECT_EQ(at, row_and_head.first == 0 ? 40000 : 700) << policy;
    }
  }
}

TEST(PlanReport, SharedItemsNameTheirRows) {
  const Json json = AsJson(Report("32x9k", {"weir"}, 8192), false);
  std::set<int> rows;
  std::set<int> slots;
  for (const Json& item : json["items"]) {
    if (item["slot"] >= 0) {
      EXPECT_TRUE(slots.insert(item["slot"].get<int>()).second);
    }
    for (const Json& row : item["shared_rows"]) rows.insert(row.get<int>());
  }
  EXPECT_EQ(rows.size(), 32u);
}

TEST(PlanReport, TheTimelineShowsWhatWasSimulated) {
  const PlanReport report = Report("1x40000,2x600+100", {"before", "weir"});
  const Timeline timeline = MakeTimeline(report);
  ASSERT_EQ(timeline.panels.size(), 2u);
  ASSERT_EQ(timeline.rows.size(), 2u);
  EXPECT_EQ(timeline.rows[1].first_row, 1);
  EXPECT_EQ(timeline.rows[1].num_rows, 2);
  for (size_t i = 0; i < 2; ++i) {
    const TimelinePanel& panel = timeline.panels[i];
    const PlannedPolicy& planned = report.policies[i];
    EXPECT_EQ(panel.items.size(), planned.plan.items().size());
    EXPECT_EQ(panel.total_us, planned.predicted_us());
    int num_merging = 0;
    double end_us = 0;
    for (const TimelineItem& item : panel.items) {
      EXPECT_GE(item.begin_us, report.device.launch_us);
      EXPECT_LT(item.worker, report.device.num_workers);
      EXPECT_EQ(item.kind, item.row == 0 ? BarKind::kDecode : BarKind::kPrefill);
      num_merging += item.merges;
      end_us = std::max(end_us, item.end_us);
    }
    EXPECT_NEAR(panel.items_end_us, end_us, 1e-6);
    EXPECT_LE(num_merging, planned.plan.work.num_merges);
    EXPECT_EQ(num_merging > 0, planned.plan.work.num_merges > 0);
  }
}

}  // namespace
}  // namespace weir
