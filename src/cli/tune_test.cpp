// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/tune_measure.h"
#include "cli/tune_report.h"

namespace weir {
namespace {

using testing::HasSubstr;

TuneSamples Samples() {
  return {{"worker_gb_s", {24.9, 22.0, 23.97}},
          {"total_gb_s", {43.449, 43.449}},
          {"worker_gflop_s", {171.6}},
          {"paged_gflop_s", {187.4}},
          {"item_us", {1.249}},
          {"launch_us", {2.06}},
          {"merge_us", {0.0799}}};
}

TEST(Rounding, KeepsSignificantDigits) {
  EXPECT_EQ(RoundNearest(43.449, 3), 43.4);
  EXPECT_EQ(RoundNearest(0.0996, 2), 0.1);
  EXPECT_EQ(RoundDown(23.97, 2), 23);
  EXPECT_EQ(RoundDown(24.0, 2), 24);
  EXPECT_EQ(RoundDown(0.0799, 2), 0.079);
  EXPECT_EQ(RoundDown(9.99, 2), 9.9);
  EXPECT_EQ(RoundDown(0.996, 2), 0.99);
  EXPECT_EQ(RoundDown(1234, 2), 1200);
}

TEST(Rounding, DownIsNeverAbove) {
  for (double value = 0.0123; value < 1e4; value *= 1.037) {
    for (const int digits : {1, 2, 3}) {
      EXPECT_LE(RoundDown(value, digits), value);
      EXPECT_GE(RoundDown(value, digits), value * (1 - 1.01 * std::pow(10, 1 - digits))) << value;
    }
  }
}

TEST(ProfileFrom, TakesMediansAndRoundsTheDangerousOnesDown) {
  const DeviceProfile profile = ProfileFrom(Samples(), 2);
  EXPECT_EQ(profile.num_workers, 2);
  EXPECT_EQ(profile.sm_count, 2);
  EXPECT_EQ(profile.worker_gb_s, 23);
  EXPECT_EQ(profile.total_gb_s, 43.4);
  EXPECT_EQ(profile.worker_gflop_s, 172);
  EXPECT_EQ(profile.paged_gflop_s, 187);
  EXPECT_EQ(profile.item_us, 1.2);
  EXPECT_EQ(profile.launch_us, 2.1);
  EXPECT_EQ(profile.merge_us, 0.079);
  EXPECT_THAT(profile.sources.at("worker_gb_s"), HasSubstr("measured by weir tune: median of "));
  EXPECT_THAT(profile.sources.at("worker_gb_s"), HasSubstr("rounded down"));
  EXPECT_THAT(profile.sources.at("merge_us"), HasSubstr("rounded down"));
}

// Noise can make a difference of two times negative, and threads together slower than one.
TEST(ProfileFrom, WhateverIsMeasuredIsAProfile) {
  TuneSamples samples = Samples();
  samples["item_us"] = {-0.5};
  samples["launch_us"] = {0};
  samples["merge_us"] = {-3};
  samples["total_gb_s"] = {5};
  const DeviceProfile profile = ProfileFrom(samples, 1);
  EXPECT_EQ(profile.merge_us, 0.01);
  EXPECT_EQ(profile.total_gb_s, profile.worker_gb_s);
  const auto parsed = ParseDeviceProfile(DumpDeviceProfile(profile), "dumped");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message;
  EXPECT_EQ(parsed->item_us, 0.01);
}

TuneReport Report(const std::string& file) {
  TuneReport report{.file = file};
  FindPrevious(2, report);
  report.tuning = {.profile = ProfileFrom(Samples(), 2), .samples = Samples()};
  return report;
}

TEST(TuneReport, SaysWhatChangedAgainstTheBuiltIn) {
  const TuneReport report = Report("/no/such/file.json");
  EXPECT_EQ(report.previous, "built in");
  const std::string text = ToText(report);
  EXPECT_THAT(text, HasSubstr("worker_gb_s           15       23    +53 %"));
  EXPECT_THAT(text, HasSubstr("old: built in"));
  EXPECT_THAT(text, HasSubstr("written to /no/such/file.json"));
}

TEST(TuneReport, SaysWhatChangedAgainstTheFile) {
  const std::string path = testing::TempDir() + "tune_test.json";
  DeviceProfile before = ProfileFrom(Samples(), 4);
  before.worker_gb_s = 20;
  std::ofstream(path) << DumpDeviceProfile(before);
  const TuneReport report = Report(path);
  EXPECT_EQ(report.previous, path);
  const std::string text = ToText(report);
  EXPECT_THAT(text, HasSubstr("worker_gb_s           20       23    +15 %"));
  EXPECT_THAT(text, HasSubstr("num_workers            4        2"));
  EXPECT_THAT(text, HasSubstr("old: the file as it was"));
}

TEST(TuneReport, ABrokenFileIsReplacedLikeNone) {
  const std::string path = testing::TempDir() + "tune_test_broken.json";
  std::ofstream(path) << "{";
  EXPECT_EQ(Report(path).previous, "built in");
}

TEST(TuneReport, SaysWhenTheMachineWasBusy) {
  TuneReport report = Report("/no/such/file.json");
  EXPECT_THAT(ToText(report), testing::Not(HasSubstr("interrupted")));
  report.tuning.disturbed = 0.3;
  EXPECT_THAT(ToText(report), HasSubstr("other programs interrupted 30 % of the measurements"));
  EXPECT_EQ(ToJson(report)["disturbed"], 0.3);
}

TEST(TuneReport, JsonHoldsTheProfileAndEverySample) {
  const Json json = ToJson(Report("/no/such/file.json"));
  EXPECT_EQ(json["profile"]["worker_gb_s"], 23);
  EXPECT_EQ(json["constants"].size(), 7u);
  EXPECT_EQ(json["constants"][0]["constant"], "worker_gb_s");
  EXPECT_EQ(json["constants"][0]["old"], 15);
  EXPECT_EQ(json["constants"][0]["samples"].size(), 3u);
}

}  // namespace
}  // namespace weir
