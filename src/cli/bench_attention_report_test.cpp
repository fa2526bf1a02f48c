// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_attention_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr AttnShape kShape{.num_q_heads = 32, .num_kv_heads = 8, .head_dim = 128};
constexpr Ceilings kCeilings{.read_gb_s = 40, .f32_gf_s = 100, .bf16_gf_s = 200};

CaseSamples Samples(const std::string& rows) {
  return {.shape_name = "8b",
          .shape = kShape,
          .bench_case = ParseBenchCase(rows).value(),
          .calls_per_sample = 1,
          .ceilings = std::vector<Ceilings>(4, kCeilings),
          .policies = {{.policy = "before", .num_items = 9, .seconds = {0.010, 0.012, 0.011}},
                       {.policy = "pr85", .same_plan = true, .seconds = {0.005, 0.005, 0.005}},
                       {.policy = "weir", .same_plan = true, .seconds = {0.005, 0.005, 0.005}}}};
}

BenchReport Report(std::vector<CaseSamples> cases) {
  return {.table = "cpu/avx512",
          .has_dot = true,
          .profile = "built in",
          .num_threads = 2,
          .rounds = 3,
          .cases = std::move(cases)};
}

TEST(Summarise, DecodesAreComparedWithReading) {
  // 1000 keys of 8 heads x 256 elements of 2 bytes are 4.096 MB: 0.1024 ms at 40 GB/s.
  const BenchReport report = Report({Samples("1x1000")});
  const auto summaries = Summarise(report, report.cases[0]);
  ASSERT_EQ(summaries.size(), 3u);
  EXPECT_DOUBLE_EQ(summaries[0].median_ms, 11);
  EXPECT_NEAR(summaries[0].deviation_ms, 1, 1e-9);
  EXPECT_DOUBLE_EQ(summaries[0].p10_ms, 10.2);
  EXPECT_DOUBLE_EQ(summaries[0].p90_ms, 11.8);
  EXPECT_NEAR(summaries[0].rate, 4.096e-3 / 0.011, 1e-9);
  EXPECT_NEAR(summaries[0].fraction, 0.1024 / 11, 1e-9);
}

TEST(Summarise, PrefillsAreComparedWithWhatTheTableComputesWith) {
  BenchReport report = Report({Samples("1x1000+0")});
  // 4 x 32 heads x 128 x 500500 visible keys, at 200 GF/s.
  const double best_ms = 4.0 * 32 * 128 * 500500 / 200e9 * 1e3;
  EXPECT_NEAR(Summarise(report, report.cases[0])[2].fraction, best_ms / 5, 1e-9);
  report.has_dot = false;
  EXPECT_NEAR(Summarise(report, report.cases[0])[2].fraction, 2 * best_ms / 5, 1e-9);
}

TEST(Summarise, RatiosAreTakenRoundByRound) {
  CaseSamples samples = Samples("1x1000");
  samples.policies[0].seconds = {0.010, 0.030, 0.020};
  samples.policies[2].seconds = {0.010, 0.020, 0.010};
  const BenchReport report = Report({samples});
  const auto summaries = Summarise(report, samples);
  ASSERT_TRUE(summaries[0].to_weir.has_value());
  EXPECT_DOUBLE_EQ(summaries[0].to_weir->median, 1.5) << "of 1, 1.5 and 2";
  EXPECT_DOUBLE_EQ(summaries[0].to_weir->interval.low, 1);
  EXPECT_DOUBLE_EQ(summaries[0].to_weir->interval.high, 2);
  EXPECT_EQ(summaries[0].to_weir->verdict, Verdict::kEven);
  EXPECT_FALSE(summaries[2].to_weir.has_value()) << "weir itself";
}

TEST(Summarise, WithoutWeirThereIsNoRatio) {
  CaseSamples samples = Samples("1x1000");
  samples.policies.resize(2);
  for (const PolicySummary& summary : Summarise(Report({samples}), samples)) {
    EXPECT_FALSE(summary.to_weir.has_value());
  }
}

TEST(MixedStep, TakesTheWorseOfReadingAndSharedWork) {
  // 80 MB at 40 GB/s: 2 ms. One thread: 80 MB at 20 GB/s and 0.1 GF at 100 GF/s, 5 ms, by two.
  EXPECT_DOUBLE_EQ(MixedStepSeconds(80e6, 0.1e9, kCeilings, 20, 100, 2), 2.5e-3);
  EXPECT_DOUBLE_EQ(MixedStepSeconds(80e6, 0.1e9, kCeilings, 20, 100, 16), 2e-3);
}

TEST(Summarise, MixedStepsAreComparedWithTheirBound) {
  CaseSamples samples = Samples("1x1000,1x8+0");
  samples.bound = MixedBound{.seconds = {0.004, 0.004, 0.004}};
  const auto summaries = Summarise(Report({samples}), samples);
  EXPECT_DOUBLE_EQ(summaries[2].fraction, 0.8);
  EXPECT_EQ(summaries[2].rate, 0);
}

TEST(Steady, ForgivesAQuarterOfTheRounds) {
  CaseSamples samples = Samples("1x1000");
  samples.ceilings.assign(5, kCeilings);
  EXPECT_TRUE(Steady(samples));
  samples.ceilings[4].read_gb_s = 20;
  EXPECT_TRUE(Steady(samples)) << "the last of four rounds";
  samples.ceilings[2].read_gb_s = 20;
  EXPECT_FALSE(Steady(samples)) << "three of four";
}

TEST(ToText, HasALinePerPolicyWithItsVerdict) {
  CaseSamples mixed = Samples("2x100,1x8+0");
  mixed.bound = MixedBound{.decode_bytes = 1e6,
                           .prefill_flops = 1e9,
                           .one_read_gb_s = {20},
                           .one_gflop_s = {100},
                           .seconds = {0.004, 0.004, 0.004}};
  const std::string text = ToText(Report({Samples("1x1000"), mixed}));
  EXPECT_THAT(text, HasSubstr("2.200  [2.000, 2.400]  slower"));
  EXPECT_THAT(text, HasSubstr("1.000  [1.000, 1.000]  even ="));
  EXPECT_THAT(text, HasSubstr("bound 4.000 ms"));
  EXPECT_THAT(text, Not(HasSubstr("*  "))) << "a steady machine";
  EXPECT_THAT(text, Not(HasSubstr(" is 1000"))) << "the name tells the lengths";
}

TEST(ToText, ListsLengthsThatANameDoesNotTell) {
  CaseSamples samples = Samples("2x50");
  samples.bench_case.name = "drawn";
  EXPECT_THAT(ToText(Report({samples})), HasSubstr("drawn is 50 50\n"));
}

TEST(RatioChart, IsDrawnForEveryPolicyAndEscapesNames) {
  CaseSamples samples = Samples("1x1000");
  samples.bench_case.name = "a<b & c";
  const std::string svg = RatioChart(Report({samples}));
  EXPECT_THAT(svg, HasSubstr("a&lt;b &amp; c"));
  EXPECT_THAT(svg, HasSubstr("slower"));
  EXPECT_THAT(svg, HasSubstr("same plan"));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
}

TEST(RatioChart, ExtremeRatiosStayInThePicture) {
  CaseSamples samples = Samples("1x1000");
  samples.policies[0].seconds = {1e3, 1e4, 1e5};
  samples.policies[1].seconds = {1e-9, 1e-8, 1e-7};
  const std::string svg = RatioChart(Report({samples}));
  EXPECT_THAT(svg, Not(HasSubstr("nan")));
  EXPECT_THAT(svg, Not(HasSubstr("inf")));
  EXPECT_THAT(svg, Not(HasSubstr("x1=\"-")));
}

}  // namespace
}  // namespace weir
