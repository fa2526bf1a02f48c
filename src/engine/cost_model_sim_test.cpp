// SPDX-License-Identifier: Apache-2.0
//
// The rule that fills steps, on simulated machines: streams decode while prompts arrive, and each
// step is filled as the scheduler fills it.
#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

#include "engine/cost_model.h"
#include "engine/simulated_machine.h"
#include "engine/step_budget.h"

namespace weir {
namespace {

const ModelConfig kQwen06 = {.vocab_size = 151'936,
                             .hidden_size = 1024,
                             .intermediate_size = 3072,
                             .num_layers = 28,
                             .num_q_heads = 16,
                             .num_kv_heads = 8,
                             .head_dim = 128};
constexpr AttnShape kShape = {.num_q_heads = 16, .num_kv_heads = 8, .head_dim = 128};
constexpr int32_t kPrompt = 2500;  // tokens
constexpr int32_t kMaxBatchedTokens = 512;

struct Result {
  std::vector<double> mixed_us;  // steps that held both
  double prompt_tokens = 0;
  double busy_us = 0;  // of steps that held a prompt

  double Quantile(double q) const {
    std::vector<double> sorted = mixed_us;
    std::sort(sorted.begin(), sorted.end());
    return sorted[static_cast<size_t>(q * static_cast<double>(sorted.size() - 1))];
  }
  double TokensPerSecond() const { return prompt_tokens / busy_us * 1e6; }
};

// As the scheduler decides.
int32_t ChunkFor(const CostModel& model, const StepBudget& budget, const StepLoad& decodes,
                 const PrefillAsk& ask) {
  if (decodes.tokens() == 0) return std::min(ask.remaining, ask.limit);  // nobody waits
  const double until_us = model.FillTargetUs(budget.BudgetUs(model.cost(), decodes));
  const int32_t chunk = model.PrefillTokensWithin(decodes, ask, until_us);
  return chunk > 0 ? chunk : std::min({model.min_chunk(), ask.remaining, ask.limit});
}

// A prompt arrives every `pause` steps after the last has ended.
Result Serve(SimulatedMachine& machine, double budget_ms, int32_t num_streams, int32_t num_prompts,
             int32_t pause) {
  CostModel model(PriorStepCost(kQwen06, kShape, DefaultCpuProfile(2)));
  const StepBudget budget(budget_ms);
  Result result;
  std::vector<int32_t> kv_len(num_streams, 1000);
  int32_t computed = kPrompt;
  int32_t wait = 0;
  for (int32_t started = 0; started < num_prompts || computed < kPrompt;) {
    if (computed == kPrompt && wait-- == 0) {
      computed = 0;
      wait = pause;
      ++started;
    }
    StepLoad load;
    for (int32_t& len : kv_len) {
      len = len < 1200 ? len + 1 : 1000;
      load.Add(len - 1, len, true);
    }
    int32_t chunk = 0;
    if (computed < kPrompt) {
      const PrefillAsk ask = {computed, kPrompt - computed, kMaxBatchedTokens - num_streams};
      chunk = ChunkFor(model, budget, load, ask);
      load.Add(computed, computed + chunk, chunk == ask.remaining);
      computed += chunk;
    }
    if (load.tokens() == 0) continue;
    const double us = machine.Run(load);
    model.Observe(load, us);
    // The first prompt teaches; a server has seen one when it matters.
    if (chunk == 0 || started < 2) continue;
    result.prompt_tokens += chunk;
    result.busy_us += us;
    result.mixed_us.push_back(us);
  }
  return result;
}

struct Case {
  const char* name;
  MachineSpec spec;
};

class FilledSteps : public ::testing::TestWithParam<Case> {};

// The goal of `--itl-budget 250`: four streams at a thousand tokens, prompts of 2500.
TEST_P(FilledSteps, KeepTheBudgetAndMostOfThePrefillRate) {
  SimulatedMachine machine(GetParam().spec, 1);
  const Result mixed = Serve(machine, 250, /*num_streams=*/4, /*num_prompts=*/40, /*pause=*/20);
  EXPECT_LE(mixed.Quantile(0.5), 250'000);
  EXPECT_LE(mixed.Quantile(0.99), 375'000);
  SimulatedMachine same(GetParam().spec, 2);
  const Result alone = Serve(same, 250, /*num_streams=*/0, /*num_prompts=*/40, /*pause=*/0);
  EXPECT_GE(mixed.TokensPerSecond(), 0.70 * alone.TokensPerSecond());
  RecordProperty("median_us", std::to_string(mixed.Quantile(0.5)));
  RecordProperty("p99_us", std::to_string(mixed.Quantile(0.99)));
  RecordProperty("rate", std::to_string(mixed.TokensPerSecond() / alone.TokensPerSecond()));
}

INSTANTIATE_TEST_SUITE_P(
    Machines, FilledSteps,
    ::testing::Values(Case{"development", {}},  // 1.2 GB of weights at 33 GB/s, 600 GFLOP/s
                      Case{"slower_products", {.gb_s = 45, .gflop_s = 420, .attn_gflop_s = 310}},
                      Case{"noisy", {.noise = 0.08}},
                      Case{"drifting", {.noise = 0.04, .drift = 0.15}},
                      Case{"shared", {.noise = 0.04, .outlier_share = 0.005}}),
    [](const auto& info) { return info.param.name; });

// By the rule instead of a wish: a step with four streams' decodes takes four times as long as
// without a prompt, so prefill keeps about three quarters of the machine.
TEST(FilledStepsByRule, TakeFourTimesAStepOfDecodes) {
  SimulatedMachine machine({}, 3);
  StepLoad decodes;
  for (int i = 0; i < 4; ++i) decodes.Add(1099, 1100, true);
  const double decode_us = machine.MeanUs(decodes);
  const Result mixed = Serve(machine, 0, 4, 40, 20);
  EXPECT_LE(mixed.Quantile(0.5), 4.2 * decode_us);
  EXPECT_GE(mixed.Quantile(0.5), 3.0 * decode_us);
}

// Streams that take the whole budget by themselves do not starve a prompt.
TEST(FilledStepsBeyondTheBudget, StillMoveByAMinimumChunk) {
  SimulatedMachine machine({}, 4);
  const Result mixed = Serve(machine, 20, 4, 3, 5);
  EXPECT_EQ(mixed.prompt_tokens, 2 * kPrompt);
  const double tokens_per_step = mixed.prompt_tokens / static_cast<double>(mixed.mixed_us.size());
  EXPECT_NEAR(tokens_per_step, 16, 1);
}

}  // namespace
}  // namespace weir
