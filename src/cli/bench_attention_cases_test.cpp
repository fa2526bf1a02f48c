// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_attention_cases.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

namespace weir {
namespace {

using testing::HasSubstr;

std::string RowsProblem(const std::string& rows) {
  const auto parsed = ParseBenchCase(rows);
  return parsed ? "" : parsed.error().message;
}

std::string ShapesProblem(const std::string& shapes) {
  const auto parsed = ParseBenchShapes(shapes);
  return parsed ? "" : parsed.error().message;
}

TEST(BenchCase, IsWrittenAsForPlan) {
  const auto mixed = ParseBenchCase("2x2500,1x512+2k");
  ASSERT_TRUE(mixed.has_value()) << mixed.error().message;
  EXPECT_EQ(mixed->name, "2x2500,1x512+2k");
  ASSERT_EQ(mixed->seqs.size(), 3u);
  EXPECT_EQ(mixed->seqs[1].q_len, 1);
  EXPECT_EQ(mixed->seqs[1].kv_len, 2500);
  EXPECT_EQ(mixed->seqs[2].q_len, 512);
  EXPECT_EQ(mixed->seqs[2].kv_len, 2560);
  EXPECT_EQ(mixed->kind(), CaseKind::kMixed);
  EXPECT_EQ(mixed->decodes().size(), 2u);
  EXPECT_EQ(mixed->prefills().size(), 1u);
  EXPECT_EQ(ParseBenchCase("3x7")->kind(), CaseKind::kDecode);
  EXPECT_EQ(ParseBenchCase("3x7+0")->kind(), CaseKind::kPrefill);
}

TEST(BenchCase, WhatIsNoStepOrTooLargeIsRefused) {
  EXPECT_THAT(RowsProblem(""), HasSubstr("--rows: character 1"));
  EXPECT_THAT(RowsProblem("8y2500"), HasSubstr("found \"y\", wanted x"));
  EXPECT_THAT(RowsProblem("4097x1"), HasSubstr("4097 sequences"));
  EXPECT_EQ(RowsProblem("4096x1"), "");
  EXPECT_THAT(RowsProblem("17x16384k"), HasSubstr("wanted at most 4096 and 268435456"));
}

TEST(BenchCase, TheDefaultsCoverWhatServingMeets) {
  const std::vector<BenchCase> cases = DefaultBenchCases();
  std::set<std::string> names;
  std::set<CaseKind> kinds;
  for (const BenchCase& bench_case : cases) {
    EXPECT_TRUE(names.insert(bench_case.name).second) << bench_case.name;
    kinds.insert(bench_case.kind());
  }
  EXPECT_EQ(cases.size(), 10u);
  EXPECT_EQ(kinds.size(), 3u);
  EXPECT_TRUE(names.contains("8x2500,1x512+2000"));
}

// The draw is part of the benchmark: other lengths would be another one.
TEST(BenchCase, LogNormalLengthsAreTheSameEverywhere) {
  const std::vector<BenchCase> cases = DefaultBenchCases();
  const auto skewed = std::find_if(cases.begin(), cases.end(),
                                   [](const BenchCase& c) { return c.name == "log-normal x32"; });
  ASSERT_NE(skewed, cases.end());
  std::vector<int32_t> lengths;
  for (const SeqLengths& seq : skewed->seqs) lengths.push_back(seq.kv_len);
  EXPECT_THAT(lengths,
              testing::ElementsAre(4502, 2511, 16384, 5635, 1423, 211, 296, 593, 4187, 2259, 720,
                                   508, 225, 1280, 87, 2583, 335, 451, 7543, 1651, 1041, 1303, 4279,
                                   511, 1685, 1503, 3480, 830, 6933, 940, 199, 644));
}

TEST(BenchShapes, AreNamesOrHeads) {
  const auto shapes = ParseBenchShapes("0.6b,32/8/128,8b");
  ASSERT_TRUE(shapes.has_value()) << shapes.error().message;
  ASSERT_EQ(shapes->size(), 3u);
  EXPECT_EQ((*shapes)[0].num_q_heads, 16);
  EXPECT_EQ((*shapes)[1].name, "32/8/128");
  EXPECT_EQ((*shapes)[1].num_q_heads, (*shapes)[2].num_q_heads);
  EXPECT_EQ((*shapes)[1].num_kv_heads, (*shapes)[2].num_kv_heads);
  EXPECT_EQ((*shapes)[1].head_dim, (*shapes)[2].head_dim);
}

TEST(BenchShapes, OthersAreRefusedByName) {
  for (const char* wrong : {"", "7b", "32/8", "32/8/128/1", "30/8/128", "32/0/128", "32/8/127",
                            "32/8/", "-32/8/128", "32/8/128 ", "32/8/8192", "4096/8/128"}) {
    EXPECT_THAT(ShapesProblem(wrong), HasSubstr("--shapes: found " + std::string(wrong))) << wrong;
  }
  EXPECT_THAT(ShapesProblem("8b,"), HasSubstr("--shapes: found "));
}

}  // namespace
}  // namespace weir
