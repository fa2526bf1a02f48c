// SPDX-License-Identifier: Apache-2.0
#include "engine/step_load.h"

#include <gtest/gtest.h>

#include "engine/step_budget.h"

namespace weir {
namespace {

TEST(StepLoad, ARowsClassIsWhatItsAttentionDoes) {
  EXPECT_EQ(RowClassOf(1, 900), RowClass::kDecode);
  EXPECT_EQ(RowClassOf(64, 64), RowClass::kFreshPrefill);
  EXPECT_EQ(RowClassOf(1, 1), RowClass::kFreshPrefill);  // a prompt of one token
  EXPECT_EQ(RowClassOf(64, 65), RowClass::kCachedPrefill);
}

TEST(StepLoad, AddsUpByClass) {
  StepLoad load;
  load.Add(99, 100, true);  // a decode that reads 100 keys
  load.Add(0, 3, false);    // a fresh chunk: 1 + 2 + 3 pairs
  load.Add(10, 12, true);   // the end of a prompt: 11 + 12 pairs
  load.Add(19, 20, true);
  EXPECT_EQ(load.tokens(), 7);
  EXPECT_EQ(load.seqs(), 4);
  EXPECT_EQ(load.num_seqs, (std::array<int32_t, 3>{2, 1, 1}));
  EXPECT_EQ(load.num_tokens, (std::array<int32_t, 3>{2, 3, 2}));
  EXPECT_EQ(load.num_logits, 3);
  EXPECT_EQ(load.decode_keys, 120);
  EXPECT_EQ(load.fresh_pairs, 6);
  EXPECT_EQ(load.cached_pairs, 23);
  EXPECT_FALSE(load.only_decodes());
}

TEST(StepLoad, CountsPairsBeyond32Bits) {
  StepLoad load;
  load.Add(1'000'000, 1'010'000, false);
  EXPECT_EQ(load.cached_pairs, 10'000LL * 1'000'000 + 10'000LL * 10'001 / 2);
}

constexpr StepCost kCost = {.step_us = 1000,
                            .head_us = 500,
                            .hidden_token_us = 1,
                            .token_us = 10,
                            .hidden_tokens = 8,
                            .decode_key_us = 0.5f,
                            .fresh_pair_us = 0.25f,
                            .cached_pair_us = 0.125f,
                            .logits_us = 100};

TEST(PredictUs, IsTheSumOfTheParts) {
  EXPECT_EQ(PredictUs(kCost, {}), 0);  // there is no step
  StepLoad load;
  load.Add(99, 100, true);
  EXPECT_DOUBLE_EQ(PredictUs(kCost, load), 1000 + 500 + 1 + 50 + 100);
  load.Add(0, 10, false);
  EXPECT_DOUBLE_EQ(PredictUs(kCost, load), 1000 + 500 + 8 + 3 * 10 + 50 + 55 * 0.25 + 100);
  StepLoad chunk;  // wants no logits, so the head is not read
  chunk.Add(10, 12, false);
  EXPECT_DOUBLE_EQ(PredictUs(kCost, chunk), 1000 + 2 + 23 * 0.125);
}

StepLoad Decodes(int32_t count, int32_t kv_len) {
  StepLoad load;
  for (int32_t i = 0; i < count; ++i) load.Add(kv_len - 1, kv_len, true);
  return load;
}

TEST(StepBudget, IsWhatWasAskedFor) {
  const StepBudget budget(250);
  EXPECT_DOUBLE_EQ(budget.ReferenceMs(kCost), 250);
  EXPECT_DOUBLE_EQ(budget.BudgetUs(kCost, {}), 250'000);
  EXPECT_DOUBLE_EQ(budget.BudgetUs(kCost, Decodes(64, 1 << 20)), 250'000);
}

TEST(StepBudget, IsOtherwiseFourTimesTheDecodes) {
  StepCost cost = kCost;
  cost.step_us = 60'000;
  const StepBudget budget(0);
  const double reference_us = PredictUs(cost, ReferenceDecodes());
  EXPECT_DOUBLE_EQ(budget.ReferenceMs(cost), 4 * reference_us / 1e3);
  EXPECT_DOUBLE_EQ(budget.BudgetUs(cost, {}), 4 * reference_us);
  EXPECT_DOUBLE_EQ(budget.BudgetUs(cost, Decodes(1, 10)), 4 * reference_us);
  const StepLoad many = Decodes(32, 5000);
  EXPECT_DOUBLE_EQ(budget.BudgetUs(cost, many), 4 * PredictUs(cost, many));
}

TEST(StepBudget, FastMachinesGetFiftyMilliseconds) {
  const StepBudget budget(0);
  EXPECT_DOUBLE_EQ(budget.ReferenceMs(kCost), 50);
  EXPECT_DOUBLE_EQ(budget.BudgetUs(kCost, Decodes(4, 1000)), 50'000);
}

}  // namespace
}  // namespace weir
