// SPDX-License-Identifier: Apache-2.0
//
// What the planner does in steps of interest: what is split, shared, put first, and by which
// policy.
#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <vector>

#include "attention/plan_checker_test_util.h"
#include "attention/planner.h"
#include "attention/planner_test_util.h"

namespace weir {
namespace {

constexpr PlannerLimits kLimits = {.max_rows = 2048, .max_seqs = 64, .max_kv_len = 1 << 18};

TEST(PlannerCases, FewThreadsDoNotSplit) {
  Planner planner(Qwen3_8b(), TestCpu(2), {}, kLimits);
  const TestBatch batch(Decodes(std::vector<int32_t>(8, 2500)));
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_EQ(plan.work.num_items, 64);
  EXPECT_EQ(plan.work.num_merges, 0);
}

TEST(PlannerCases, OddThreadsSplitALoneRow) {
  AttnShape shape = Qwen3_8b();
  Planner planner(shape, TestCpu(5), {}, kLimits);
  const TestBatch batch(Decodes({32768}));
  EXPECT_GT(planner.Plan(batch.view()).decisions[0].splits, 1);
}

TEST(PlannerCases, DecodesOfMixedStepsAreSplitToo) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  std::vector<SeqLengths> seqs = Decodes({65536, 2500, 2500, 2500});
  seqs.push_back({1024, 1024});
  seqs.push_back({512, 4096});
  const TestBatch batch(seqs);
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_GT(plan.decisions[0].splits, 1);
  EXPECT_EQ(plan.decisions[4].route, AttnRoute::kFresh);
  EXPECT_EQ(plan.decisions[5].route, AttnRoute::kPrefix);
}

// Where the step lasts much longer than any item, each tenth of the queue has both kinds, but for
// the end.
TEST(PlannerCases, MixedStepsKeepMemoryAndComputingBusy) {
  Planner planner(Qwen3_8b(), TestCpu(16), {}, kLimits);
  std::vector<SeqLengths> seqs = Decodes(std::vector<int32_t>(60, 4000));
  seqs.push_back({1900, 1900});
  const TestBatch batch(seqs);
  const AttnPlan plan = planner.Plan(batch.view());
  const auto tenth = static_cast<size_t>(plan.work.num_items / 10);
  for (size_t i = 0; i < 9; ++i) {
    const auto part = plan.items().subspan(i * tenth, tenth);
    const auto decodes = std::count_if(part.begin(), part.end(), [](const AttnItem& item) {
      return item.route == AttnRoute::kDecode;
    });
    EXPECT_GT(decodes, 0) << "tenth " << i;
    EXPECT_LT(decodes, std::ssize(part)) << "tenth " << i;
  }
}

// A decode that takes as long as the whole step must start with it.
TEST(PlannerCases, WhatWouldEndLastGoesFirst) {
  const AttnShape shape = {.num_q_heads = 4, .num_kv_heads = 1, .head_dim = 128};
  Planner planner(shape, TestCpu(4), {.splits = KvSplitRule::kFixed, .fixed_splits = 1}, kLimits);
  const TestBatch batch({{512, 512}, {1, 100}, {1, 65536}, {512, 512}, {1, 60000}});
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_EQ(plan.items()[0].seq, 2);
  EXPECT_EQ(plan.items()[1].seq, 4) << "though it is no more the decodes' turn";
}

// A chunk of few query tiles over a long prefix would leave most workers idle.
TEST(PlannerCases, AShortChunkOverALongPrefixIsSplitAlongItsKeys) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  const TestBatch batch({{48, 32768}});
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_EQ(plan.decisions[0].route, AttnRoute::kPrefix);
  EXPECT_GT(plan.decisions[0].splits, 1);
}

TEST(PlannerCases, CascadeIsTakenWhenItPays) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  std::vector<int32_t> members(32);
  std::iota(members.begin(), members.end(), 0);
  TestBatch shared(Decodes(std::vector<int32_t>(32, 9216)));
  const double apart_us = planner.Plan(shared.view()).predicted_us;
  shared.Share(members, 8192 / 16);
  const AttnPlan plan = planner.Plan(shared.view());
  EXPECT_GT(plan.counts.num_shared_items, 0);
  EXPECT_LT(plan.predicted_us * 3, apart_us);
  TestBatch barely(Decodes(std::vector<int32_t>(32, 9216)));
  barely.Share(members, 2);
  EXPECT_EQ(planner.Plan(barely.view()).counts.num_shared_items, 0);
}

// A number of splits holds for rows of one new token, and a piece has a tile at least.
TEST(PlannerCases, FixedSplits) {
  const AttnShape shape = Qwen3_8b();
  const TestBatch batch(
      {{1, 1}, {1, 127}, {1, 128}, {1, 129}, {1, 70000}, {2, 70000}, {16, 70000}});
  for (const AttnRouting routing :
       {AttnRouting::kBatchPaged, AttnRouting::kBatch, AttnRouting::kRow}) {
    Planner planner(shape, FittedGpu(),
                    {.routing = routing, .splits = KvSplitRule::kFixed, .fixed_splits = 256},
                    kLimits);
    const AttnPlan plan = planner.Plan(batch.view());
    EXPECT_EQ(PlanFault(plan, batch.view(), shape, planner), "");
    std::vector<int32_t> splits;
    for (const AttnDecision& decision : plan.decisions) splits.push_back(decision.splits);
    EXPECT_EQ(splits, (std::vector<int32_t>{1, 1, 1, 2, 256, 1, 1}));
  }
}

// Under batch invariance each segment has a slot, and there are so many: the number gives way.
TEST(PlannerCases, FixedSplitsGiveWayToTheSlotsOfSegments) {
  const AttnShape shape = Qwen3_8b();
  AttnPolicy policy = {.splits = KvSplitRule::kFixed, .fixed_splits = 32, .batch_invariant = true};
  Planner planner(shape, FittedGpu(), policy, kLimits);
  const auto splits_of = [&](const std::vector<int32_t>& lens) {
    const TestBatch batch(Decodes(lens));
    const AttnPlan plan = planner.Plan(batch.view());
    EXPECT_EQ(PlanFault(plan, batch.view(), shape, planner), "");
    return plan.decisions[0].splits;
  };
  EXPECT_EQ(splits_of({1 << 18}), 32);
  EXPECT_EQ(splits_of(std::vector<int32_t>(64, 1 << 18)), 1) << "no split needs no slot";
  EXPECT_LE(planner.capacity().max_slot_rows(), 32 * 4096);
  policy = ParseAttnPolicy("before").value();
  policy.batch_invariant = true;
  EXPECT_EQ(Planner(shape, FittedGpu(), policy, kLimits).capacity().max_slot_rows(), 0);
}

// What its workspace takes grows with the rows that are split, and these have one new token.
TEST(PlannerCases, SlotsOfARuleAreThoseOfDecodes) {
  AttnPolicy policy = {.splits = KvSplitRule::kFixed, .fixed_splits = 32};
  for (const AttnRouting routing : {AttnRouting::kBatch, AttnRouting::kRow}) {
    policy.routing = routing;
    Planner planner(Qwen3_8b(), FittedGpu(), policy, kLimits);
    EXPECT_EQ(planner.capacity().max_slot_rows(), 32 * kLimits.max_seqs * 32);
  }
}

// The published case under all three policies: 8 x 2500 on 60 multiprocessors.
TEST(PlannerCases, ThePublishedCase) {
  DeviceProfile device = FittedGpu();
  device.sm_count = 60;
  device.num_workers = 120;
  const TestBatch batch(Decodes(std::vector<int32_t>(8, 2500)));
  const auto splits_under = [&](const char* name) {
    Planner planner(Qwen3_8b(), device, ParseAttnPolicy(name).value(), kLimits);
    return planner.Plan(batch.view()).decisions[0].splits;
  };
  EXPECT_EQ(splits_under("before"), 20) << "32, but no more than tiles";
  EXPECT_EQ(splits_under("pr85"), 1);
  EXPECT_GE(splits_under("weir"), 1);
}

// Shared stretches leave so few keys that the payload is short; without them it would not do.
TEST(PlannerCases, SharingThatDoesNotFitIsGivenUpWithinBounds) {
  for (const bool invariant : {false, true}) {
    for (const int32_t kv_heads : {1, 8, 32}) {
      const AttnShape shape = {.num_q_heads = 32, .num_kv_heads = kv_heads, .head_dim = 128};
      for (const DeviceProfile& device : {FittedGpu(), TestCpu(2), TestCpu(64)}) {
        Planner planner(shape, device, {.batch_invariant = invariant},
                        {.max_rows = 512, .max_seqs = 64, .max_kv_len = 1 << 16});
        for (const int32_t shared : {1024, 16384, 60000}) {
          TestBatch batch(std::vector<SeqLengths>(64, SeqLengths{shared % 3 == 0 ? 1 : 8, 61000}));
          std::vector<int32_t> members(64);
          std::iota(members.begin(), members.end(), 0);
          batch.Share(members, shared / 16);
          for (int call = 0; call < 3; ++call) {
            const AttnPlan plan =
                call == 1 ? planner.Refresh(batch.view()) : planner.Plan(batch.view());
            ASSERT_EQ(PlanFault(plan, batch.view(), shape, planner), "");
          }
        }
      }
    }
  }
}

// Taken where the whole step gains; sharing a little must not cost what it saves.
TEST(PlannerCases, CascadeNeverLoses) {
  const AttnShape shape = Qwen3_8b();
  const DeviceProfile device = FittedGpu();
  const auto simulated_us = [&](Planner& planner, const AttnBatch& batch) {
    const AttnPlan plan = planner.Plan(batch);
    const auto demands = FluidItems(plan, batch, shape, device);
    return Simulate(demands, shape, device, plan.counts.num_slot_rows).total_us;
  };
  Planner with(shape, device, {}, kLimits);
  Planner without(shape, device, {.cascade = false}, kLimits);
  for (const int32_t rows : {2, 4, 8, 16, 32, 64}) {
    for (const int32_t len : {1024, 4096, 16384}) {
      for (const int32_t eighths : {1, 2, 4, 6, 7}) {
        TestBatch batch(Decodes(std::vector<int32_t>(rows, len)));
        std::vector<int32_t> members(rows);
        std::iota(members.begin(), members.end(), 0);
        batch.Share(members, len / 16 * eighths / 8);
        EXPECT_LE(simulated_us(with, batch.view()), 1.02 * simulated_us(without, batch.view()))
            << rows << " x " << len << ", " << eighths << " eighths shared";
      }
    }
  }
}

// Rows with a window read few of the pages that they share.
TEST(PlannerCases, TheFloorIsNeverNegative) {
  AttnShape shape = Qwen3_8b();
  shape.window = 128;
  Planner planner(shape, FittedGpu(), {}, kLimits);
  TestBatch batch(Decodes(std::vector<int32_t>(32, 9216)));
  std::vector<int32_t> members(32);
  std::iota(members.begin(), members.end(), 0);
  batch.Share(members, 8192 / 16);
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_EQ(PlanFault(plan, batch.view(), shape, planner), "");
  EXPECT_GE(plan.floor_us, 32 * 128 * 4096.0 / 4.25e6);
}

// Token by token: what each row sees is computed with, what any row sees is read.
TEST(PlannerCases, TheFloorIsTheLeastThatMustBeReadAndComputed) {
  const DeviceProfile device = FittedGpu();
  std::mt19937 random(7);
  for (int trial = 0; trial < 200; ++trial) {
    AttnShape shape = Qwen3_8b();
    shape.window = trial % 3 == 0 ? 0 : static_cast<int32_t>(random() % 600 + 1);
    std::vector<SeqLengths> seqs;
    double keys = 0;
    double products = 0;
    for (int32_t i = 0; i < 4; ++i) {
      const auto q_len = static_cast<int32_t>(i == 0 ? 1 : random() % 400 + 1);
      const auto kv_len = static_cast<int32_t>(q_len + random() % 900);
      seqs.push_back({q_len, kv_len});
      int32_t first_key = kv_len;
      for (int32_t end = kv_len - q_len + 1; end <= kv_len; ++end) {
        const int32_t begin = shape.window > 0 ? std::max(0, end - shape.window) : 0;
        products += end - begin;
        first_key = std::min(first_key, begin);
      }
      keys += kv_len - first_key;
    }
    const double bytes_us = keys * shape.num_kv_heads * static_cast<double>(shape.token_bytes()) /
                            (device.total_gb_s * 1e3);
    const double flops_us =
        products * 4 * shape.head_dim * shape.num_kv_heads * shape.group() /
        (device.num_workers * std::max(device.worker_gflop_s, device.paged_gflop_s) * 1e3);
    const AttnPlan plan = Planner(shape, device, {}, kLimits).Plan(TestBatch(seqs).view());
    const double floor_us = std::max(bytes_us, flops_us);
    EXPECT_NEAR(plan.floor_us, floor_us, 1e-9 * floor_us) << "window " << shape.window;
  }
}

// A sequence of many new tokens leaves the others' slots alone.
TEST(PlannerCases, AWideRowDoesNotKeepOthersFromBeingSplit) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  const AttnPlan alone = planner.Plan(TestBatch({{1, 131072}, {1, 1024}}).view());
  const int32_t splits = alone.decisions[0].splits;
  const AttnPlan beside = planner.Plan(TestBatch({{1, 131072}, {16, 1024}}).view());
  EXPECT_GE(beside.decisions[0].splits, splits / 2);
}

// Next goes on from whatever was planned last, by which call it may have been.
TEST(PlannerCases, NextGoesOnFromPlan) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  const TestBatch skewed(Decodes({131072, 1024, 1024, 1024}));
  const int32_t splits = planner.Plan(skewed.view()).decisions[0].splits;
  const TestBatch grown(Decodes({131073, 1025, 1025, 1025}));
  EXPECT_NEAR(planner.Next(grown.view()).decisions[0].splits, splits, 1);
  // Lengths that go on from an earlier batch, but not from the last one, are planned anew.
  planner.Next(TestBatch(Decodes({50})).view());
  const int32_t wanted = Planner(Qwen3_8b(), FittedGpu(), {}, kLimits)
                             .Plan(TestBatch(Decodes({131074, 1026, 1026, 1026})).view())
                             .decisions[0]
                             .splits;
  EXPECT_EQ(planner.Next(TestBatch(Decodes({131074, 1026, 1026, 1026})).view()).decisions[0].splits,
            wanted);
}

TEST(PlannerDeathTest, ABatchBeyondTheLimitsAborts) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, {.max_rows = 8, .max_seqs = 2, .max_kv_len = 100});
  const TestBatch batch(Decodes({5, 5, 5}));
  EXPECT_DEATH(planner.Plan(batch.view()), "max_tiles");
}

}  // namespace
}  // namespace weir
