// SPDX-License-Identifier: Apache-2.0
#include "attention/policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

TEST(AttnPolicy, TheThreeGenerations) {
  const auto before = ParseAttnPolicy("before");
  ASSERT_TRUE(before.has_value());
  EXPECT_EQ(before->name, "before");
  EXPECT_EQ(before->routing, AttnRouting::kBatchPaged);
  EXPECT_EQ(before->splits, KvSplitRule::kFixedGated);
  EXPECT_EQ(before->fixed_splits, 32);
  EXPECT_FALSE(before->cascade);

  const auto pr85 = ParseAttnPolicy("pr85");
  ASSERT_TRUE(pr85.has_value());
  EXPECT_EQ(pr85->name, "pr85");
  EXPECT_EQ(pr85->routing, AttnRouting::kBatch);
  EXPECT_EQ(pr85->splits, KvSplitRule::kBatchGated);
  EXPECT_FALSE(pr85->cascade);

  const auto weir = ParseAttnPolicy("weir");
  ASSERT_TRUE(weir.has_value());
  EXPECT_EQ(weir->name, "weir");
  EXPECT_EQ(weir->routing, AttnRouting::kRow);
  EXPECT_EQ(weir->splits, KvSplitRule::kPlanned);
  EXPECT_TRUE(weir->cascade);
}

TEST(AttnPolicy, TheDefaultIsWeir) {
  const AttnPolicy policy;
  const auto weir = ParseAttnPolicy("weir");
  EXPECT_EQ(policy.name, weir->name);
  EXPECT_EQ(policy.routing, weir->routing);
  EXPECT_EQ(policy.splits, weir->splits);
}

TEST(AttnPolicy, AnUnknownNameIsShownWithTheKnownOnes) {
  for (const char* name : {"", "Weir", "weir ", "all", "pr-85"}) {
    const auto policy = ParseAttnPolicy(name);
    ASSERT_FALSE(policy.has_value()) << name;
    EXPECT_EQ(policy.error().code, Code::kInvalidArgument);
    EXPECT_EQ(policy.error().message,
              std::string("attention policy: found \"") + name + "\", wanted before, pr85 or weir");
  }
}

TEST(AttnPolicy, ALongNameIsCutInTheMessage) {
  const auto policy = ParseAttnPolicy(std::string(100000, 'x'));
  ASSERT_FALSE(policy.has_value());
  EXPECT_LT(policy.error().message.size(), 200u);
}

TEST(AttnRouting, EachName) {
  EXPECT_EQ(ParseAttnRouting("batch-paged").value(), AttnRouting::kBatchPaged);
  EXPECT_EQ(ParseAttnRouting("batch").value(), AttnRouting::kBatch);
  EXPECT_EQ(ParseAttnRouting("row").value(), AttnRouting::kRow);
  for (const char* text : {"", "rows", "batch_paged", "ROW"}) {
    const auto routing = ParseAttnRouting(text);
    ASSERT_FALSE(routing.has_value()) << text;
    EXPECT_THAT(routing.error().message, HasSubstr("wanted batch-paged, batch or row"));
  }
}

TEST(KvSplits, EachRule) {
  AttnPolicy policy;
  ASSERT_TRUE(ParseKvSplits("batch", policy));
  EXPECT_EQ(policy.splits, KvSplitRule::kBatch);
  ASSERT_TRUE(ParseKvSplits("batch-gated", policy));
  EXPECT_EQ(policy.splits, KvSplitRule::kBatchGated);
  ASSERT_TRUE(ParseKvSplits("planned", policy));
  EXPECT_EQ(policy.splits, KvSplitRule::kPlanned);
  for (const int32_t n : {1, 7, 256}) {
    ASSERT_TRUE(ParseKvSplits("fixed:" + std::to_string(n), policy));
    EXPECT_EQ(policy.splits, KvSplitRule::kFixed);
    EXPECT_EQ(policy.fixed_splits, n);
  }
}

TEST(KvSplits, WhatIsWrongLeavesThePolicyAlone) {
  const char* const bad[] = {"",           "fixed",     "fixed:",   "fixed:0",
                             "fixed:257",  "fixed:-1",  "fixed:+1", "fixed: 1",
                             "fixed:1 ",   "fixed:1.5", "fixed:x",  "fixed:1,2",
                             "Batch",      "planned ",  "32",       "fixed:99999999999999999",
                             "fixed:0x10", "fixed:1e2"};
  for (const char* text : bad) {
    AttnPolicy policy;
    policy.fixed_splits = 5;
    const Status status = ParseKvSplits(text, policy);
    ASSERT_FALSE(status.has_value()) << text;
    EXPECT_THAT(status.error().message, HasSubstr("KV splits: found \"" + std::string(text)));
    EXPECT_THAT(status.error().message, HasSubstr("wanted fixed:N"));
    EXPECT_EQ(policy.splits, KvSplitRule::kPlanned);
    EXPECT_EQ(policy.fixed_splits, 5);
  }
}

}  // namespace
}  // namespace weir
