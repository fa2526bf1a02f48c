// SPDX-License-Identifier: Apache-2.0
#include "engine/cost_model.h"

#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "engine/simulated_machine.h"

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

StepCost Prior(int32_t num_threads = 2) {
  return PriorStepCost(kQwen06, kShape, DefaultCpuProfile(num_threads));
}

StepLoad Decodes(int32_t count, int32_t kv_len) {
  StepLoad load;
  for (int32_t i = 0; i < count; ++i) load.Add(kv_len - 1, kv_len, true);
  return load;
}

std::vector<double> Values(const StepCost& c) {
  return {c.step_us,       c.head_us,       c.hidden_token_us, c.token_us,
          c.decode_key_us, c.fresh_pair_us, c.cached_pair_us,  c.logits_us};
}

TEST(PriorStepCost, IsBytesAndFlopsOverTheProfile) {
  const DeviceProfile device = DefaultCpuProfile(2);
  const StepCost cost = Prior();
  const double bytes_per_us = 2 * device.worker_gb_s * 1e3;
  EXPECT_NEAR(cost.head_us, 151'936.0 * 1024 * 2 / bytes_per_us, 1);
  EXPECT_NEAR(cost.decode_key_us, 28 * 8 * 2 * 128 * 2 / bytes_per_us, 1e-3);
  EXPECT_NEAR(cost.token_us, 2 * 440.4e6 / (2 * device.worker_gflop_s * 1e3), 10);
  // Reading the weights hides the arithmetic of as many tokens as take that long.
  EXPECT_NEAR(cost.hidden_tokens * cost.token_us, cost.step_us, cost.token_us);
  for (const double value : Values(cost)) EXPECT_GT(value, 0);
}

TEST(PriorStepCost, MoreThreadsAreFaster) {
  const auto two = Values(Prior(2)), eight = Values(Prior(8));
  for (size_t i = 0; i < two.size(); ++i) EXPECT_LT(eight[i], two[i]) << i;
}

TEST(PriorStepCost, Int8KeysHalveWhatDecodesRead) {
  AttnShape shape = kShape;
  shape.kv_dtype = KvDType::kInt8;
  const StepCost cost = PriorStepCost(kQwen06, shape, DefaultCpuProfile(2));
  EXPECT_LT(cost.decode_key_us, 0.55 * Prior().decode_key_us);
  EXPECT_EQ(cost.token_us, Prior().token_us);
}

TEST(CostModel, PredictsItsPriorBeforeItHasSeenAStep) {
  const CostModel model(Prior());
  EXPECT_EQ(model.num_observed(), 0);
  EXPECT_EQ(model.median_error(), 0);
  EXPECT_EQ(model.p90_error(), 0);
  EXPECT_EQ(model.PredictUs(Decodes(4, 1000)), PredictUs(Prior(), Decodes(4, 1000)));
  EXPECT_EQ(model.FillTargetUs(1000), 1000);
}

// Steps of all kinds, as a server sees them.
StepLoad RandomLoad(std::mt19937_64& random) {
  const auto upto = [&](int32_t n) { return static_cast<int32_t>(random() % n); };
  StepLoad load;
  const int32_t decodes = upto(8);
  for (int32_t i = 0; i < decodes; ++i) {
    const int32_t kv_len = 2 + upto(3000);
    load.Add(kv_len - 1, kv_len, true);
  }
  if (decodes == 0 || upto(3) == 0) {
    const int32_t begin = upto(2) == 0 ? 0 : upto(2500);
    load.Add(begin, begin + 16 + upto(240), upto(4) == 0);
  }
  return load;
}

TEST(CostModel, LearnsMachinesThatItsPriorIsWrongAbout) {
  for (const double speed : {0.2, 1.0, 5.0}) {
    SimulatedMachine machine({.gb_s = 33 * speed, .gflop_s = 600 * speed, .noise = 0.03}, 1);
    CostModel model(Prior());
    std::mt19937_64 random(2);
    for (int i = 0; i < 300; ++i) {
      const StepLoad load = RandomLoad(random);
      model.Observe(load, machine.Run(load));
    }
    // Noise of 3 % has a median of 2 %; the smooth knee of the machine is worth a few per cent.
    EXPECT_LT(model.median_error(), 0.06) << speed;
    EXPECT_LT(model.p90_error(), 0.20) << speed;
  }
}

// Machines, noise, drift and other processes at random: every prediction stays finite and positive,
// and the error stays near what nobody can predict.
TEST(CostModel, IsStableOnRandomMachines) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> unit;
  for (int trial = 0; trial < 60; ++trial) {
    const MachineSpec spec = {.weight_gb = 0.1 * std::pow(100, unit(random)),
                              .gb_s = 10 * std::pow(30, unit(random)),
                              .gflop_s = 100 * std::pow(50, unit(random)),
                              .attn_gflop_s = 50 * std::pow(50, unit(random)),
                              .noise = 0.1 * unit(random),
                              .drift = 0.3 * unit(random),
                              .outlier_share = 0.05 * unit(random)};
    SimulatedMachine machine(spec, trial);
    CostModel model(Prior());
    for (int i = 0; i < 600; ++i) {
      const StepLoad load = RandomLoad(random);
      model.Observe(load, machine.Run(load));
      ASSERT_TRUE(std::isfinite(model.PredictUs(load)));
      ASSERT_GT(model.PredictUs(load), 0);
    }
    for (const double value : Values(model.cost())) EXPECT_GE(value, 0);
    // Where the prior's knee is far from the machine's, a bent line is all there is: 20 %.
    EXPECT_LT(model.median_error(), 0.20 + spec.noise) << trial;
  }
}

// The same step for hours says nothing of single parts. What other steps said before must survive.
TEST(CostModel, RemembersPartsThatRecentStepsSayNothingOf) {
  SimulatedMachine machine({.noise = 0.02}, 4);
  CostModel model(Prior());
  std::mt19937_64 random(5);
  for (int i = 0; i < 300; ++i) {
    const StepLoad load = RandomLoad(random);
    model.Observe(load, machine.Run(load));
  }
  StepLoad mixed = Decodes(4, 1000);
  mixed.Add(1000, 1100, false);
  const double before = model.PredictUs(mixed) / machine.MeanUs(mixed);
  for (int i = 0; i < 5000; ++i) model.Observe(Decodes(4, 1000), machine.Run(Decodes(4, 1000)));
  EXPECT_NEAR(model.PredictUs(mixed) / machine.MeanUs(mixed), before, 0.08);
  EXPECT_NEAR(model.PredictUs(Decodes(4, 1000)) / machine.MeanUs(Decodes(4, 1000)), 1, 0.02);
}

TEST(CostModel, AnOutlierMovesLittle) {
  SimulatedMachine machine({.noise = 0.02}, 6);
  CostModel model(Prior());
  const StepLoad load = Decodes(4, 1000);
  for (int i = 0; i < 100; ++i) model.Observe(load, machine.Run(load));
  const double before = model.PredictUs(load);
  model.Observe(load, 50 * before);  // another process had the CPU
  EXPECT_LT(model.PredictUs(load), 1.1 * before);
}

TEST(CostModel, AMachineThatBecameSlowerIsLearnt) {
  SimulatedMachine machine({.noise = 0.02}, 7);
  CostModel model(Prior());
  const StepLoad load = Decodes(4, 1000);
  for (int i = 0; i < 500; ++i) model.Observe(load, machine.Run(load));
  for (int i = 0; i < 60; ++i) model.Observe(load, 3 * machine.Run(load));
  EXPECT_NEAR(model.PredictUs(load) / (3 * machine.MeanUs(load)), 1, 0.1);
}

TEST(CostModel, WhatIsNoMeasurementIsIgnored) {
  CostModel model(Prior());
  const StepLoad load = Decodes(1, 10);
  const double before = model.PredictUs(load);
  for (const double us : {0.0, -1.0, std::numeric_limits<double>::infinity(),
                          std::numeric_limits<double>::quiet_NaN()}) {
    model.Observe(load, us);
  }
  model.Observe({}, 100);
  EXPECT_EQ(model.num_observed(), 0);
  EXPECT_EQ(model.PredictUs(load), before);
}

TEST(CostModel, EvenAbsurdMeasurementsLeaveItFinite) {
  CostModel model(Prior());
  std::mt19937_64 random(8);
  for (int i = 0; i < 2000; ++i) {
    const StepLoad load = RandomLoad(random);
    model.Observe(load, i % 2 == 0 ? 1e-6 : 1e15);
    ASSERT_TRUE(std::isfinite(model.PredictUs(load)));
    ASSERT_GT(model.PredictUs(load), 0);
  }
}

class PrefillTokensWithin : public ::testing::Test {
 protected:
  CostModel model_{Prior()};
};

TEST_F(PrefillTokensWithin, IsTheLongestChunkThatFits) {
  const StepLoad load = Decodes(4, 1000);
  for (const int32_t computed : {0, 1, 16, 2000}) {
    const double until_us = model_.PredictUs(load) + 300'000;
    const int32_t q_len = model_.PrefillTokensWithin(load, {computed, 5000, 5000}, until_us);
    ASSERT_GT(q_len, model_.min_chunk());
    StepLoad with = load, more = load;
    with.Add(computed, computed + q_len, false);
    more.Add(computed, computed + q_len + 1, false);
    EXPECT_LE(model_.PredictUs(with), until_us);
    EXPECT_GT(model_.PredictUs(more), until_us);
  }
}

TEST_F(PrefillTokensWithin, RisesWithTheBudgetAndFallsWithTheStep) {
  int32_t last = 0;
  for (double until_us = 0; until_us < 6e6; until_us += 20'000) {
    const PrefillAsk ask = {.computed = 500, .remaining = 800, .limit = 700};
    const int32_t q_len = model_.PrefillTokensWithin(Decodes(2, 500), ask, until_us);
    EXPECT_GE(q_len, last);
    EXPECT_LE(model_.PrefillTokensWithin(Decodes(9, 500), ask, until_us), q_len);
    EXPECT_TRUE(q_len == 0 || q_len >= model_.min_chunk());
    last = q_len;
  }
  EXPECT_EQ(last, 700);
}

TEST_F(PrefillTokensWithin, LaterChunksOfAPromptAreSmaller) {
  int32_t last = 1 << 20;
  for (int32_t computed = 64; computed < 20'000; computed *= 2) {
    const int32_t q_len = model_.PrefillTokensWithin({}, {computed, 30'000, 30'000}, 400'000);
    EXPECT_LT(q_len, last);
    EXPECT_GT(q_len, 0);
    last = q_len;
  }
}

TEST_F(PrefillTokensWithin, NeverAsksForMoreThanThereIs) {
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 7, 100}, 1e12), 7);
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 100, 7}, 1e12), 7);
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 100, 0}, 1e12), 0);
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 1, 1}, 1e12), 1);
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 100, 100}, 0), 0);
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 100, 100}, -1e12), 0);
}

// The last chunk pays for the head, so a budget may hold all of a prompt but its last token.
TEST_F(PrefillTokensWithin, TheLastChunkPaysForItsLogits) {
  StepLoad all_but_one;
  all_but_one.Add(0, 99, false);
  const double until_us = model_.PredictUs(all_but_one) + model_.cost().token_us * 1.5;
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 100, 100}, until_us), 99);
  EXPECT_EQ(model_.PrefillTokensWithin({}, {0, 101, 100}, until_us), 100);
}

TEST(MinChunk, IsWhatHidesBehindTheWeightsInWholeTiles) {
  StepCost cost = Prior();
  for (const auto& [hidden, chunk] : std::vector<std::pair<int32_t, int32_t>>{
           {1, 16}, {16, 16}, {17, 32}, {100, 112}, {4096, 256}}) {
    cost.hidden_tokens = hidden;
    EXPECT_EQ(CostModel(cost).min_chunk(), chunk);
  }
}

TEST(FillTarget, LeavesRoomForHowLateRecentPrefillStepsWere) {
  CostModel model(Prior());
  StepLoad load;
  load.Add(0, 100, false);
  for (int i = 0; i < 100; ++i) model.Observe(load, model.PredictUs(load) * (i % 5 == 0 ? 1.2 : 1));
  EXPECT_LT(model.FillTargetUs(240'000), 220'000);
  EXPECT_GT(model.FillTargetUs(240'000), 195'000);
  // At most a third is given up, however wild the machine.
  for (int i = 0; i < 100; ++i) model.Observe(load, model.PredictUs(load) * (i % 3 == 0 ? 9 : 1));
  EXPECT_GE(model.FillTargetUs(240'000), 160'000 - 1);
}

}  // namespace
}  // namespace weir
