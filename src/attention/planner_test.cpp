// SPDX-License-Identifier: Apache-2.0
//
// What every plan must be, for random batches of every kind under every policy.
#include "attention/planner.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <tuple>

#include "attention/plan_checker_test_util.h"
#include "attention/planner_test_util.h"
#include "kernels/count_allocations.h"

namespace weir {
namespace {

constexpr PlannerLimits kLimits = {.max_rows = 2048, .max_seqs = 64, .max_kv_len = 1 << 18};

// Lengths around the edges of tiles, pages and segments, and any others.
int32_t RandomLength(std::mt19937& random, int32_t limit) {
  constexpr int32_t kEdges[] = {1,   2,   15,  16,  17,  63,  64,   65,   127,  128,
                                129, 255, 256, 257, 511, 512, 1024, 2500, 8191, 65536};
  int32_t len = 1;
  switch (random() % 3) {
    case 0:
      len = kEdges[random() % std::size(kEdges)];
      break;
    case 1:
      len = static_cast<int32_t>(random() % 300);
      break;
    default:
      len = 1 << random() % 17;
      len += static_cast<int32_t>(random() % static_cast<uint32_t>(len));
  }
  return std::clamp(len, 1, limit);
}

TestBatch RandomBatch(std::mt19937& random, int32_t max_seqs) {
  std::vector<SeqLengths> seqs;
  const int32_t num_seqs = 1 + static_cast<int32_t>(random() % static_cast<uint32_t>(max_seqs));
  const int kind = static_cast<int>(random() % 4);  // decodes only, prefills only, or mixed
  int32_t rows_left = kLimits.max_rows;
  for (int32_t i = 0; i < num_seqs && rows_left > 0; ++i) {
    const bool prefill = kind == 1 || (kind >= 2 && random() % 4 == 0);
    int32_t q_len = random() % 40 == 0 ? 0 : 1;
    if (prefill) q_len = std::min(rows_left, RandomLength(random, 700));
    const int32_t cached = prefill && random() % 2 == 0 ? 0 : RandomLength(random, 1 << 17) - 1;
    seqs.push_back({q_len, std::max(q_len + cached, 1)});
    rows_left -= q_len;
  }
  return TestBatch(seqs);
}

AttnPolicy RandomPolicy(std::mt19937& random) {
  AttnPolicy policy;
  policy.routing = static_cast<AttnRouting>(random() % 3);
  policy.splits = static_cast<KvSplitRule>(random() % 5);
  policy.fixed_splits = 1 + static_cast<int32_t>(random() % 40);
  policy.batch_invariant = random() % 3 == 0;
  if (random() % 2 == 0) policy = AttnPolicy{.batch_invariant = policy.batch_invariant};
  return policy;
}

AttnShape RandomShape(std::mt19937& random) {
  constexpr int32_t kHeads[][2] = {{1, 1}, {2, 1}, {8, 2}, {32, 8}, {16, 1}, {3, 3}};
  const auto& heads = kHeads[random() % std::size(kHeads)];
  AttnShape shape = {.num_q_heads = heads[0], .num_kv_heads = heads[1], .head_dim = 128};
  if (random() % 8 == 0) shape.window = 1 + static_cast<int32_t>(random() % 3000);
  if (random() % 16 == 0) shape.causal = false;
  if (!shape.causal) shape.window = 0;
  return shape;
}

// Each draws a shape, a device and a policy, and plans a few batches with one planner, as an engine
// does.
TEST(Planner, EveryKeyOnceAndWithinBounds) {
  std::mt19937 random(1);
  const DeviceProfile devices[] = {FittedGpu(), TestCpu(2), TestCpu(7), TestCpu(64)};
  constexpr int kPlanners = 4000;
  constexpr int kBatches = 26;  // 104000 batches in all
  for (int i = 0; i < kPlanners; ++i) {
    const AttnShape shape = RandomShape(random);
    const AttnPolicy policy = RandomPolicy(random);
    Planner planner(shape, devices[random() % std::size(devices)], policy, kLimits);
    const int32_t max_seqs = i % 50 == 0 ? 64 : 4;
    for (int j = 0; j < kBatches; ++j) {
      const TestBatch batch = RandomBatch(random, max_seqs);
      const AttnPlan plan =
          random() % 4 == 0 ? planner.Refresh(batch.view()) : planner.Plan(batch.view());
      ASSERT_EQ(PlanFault(plan, batch.view(), shape, planner), "")
          << "planner " << i << " batch " << j;
    }
  }
}

TEST(Planner, SharedPagesAreCoveredOnceToo) {
  std::mt19937 random(2);
  const AttnShape shape = Qwen3_8b();
  int64_t num_shared = 0;
  for (const bool invariant : {false, true}) {
    Planner gpu(shape, FittedGpu(), {.batch_invariant = invariant}, kLimits);
    Planner cpu(shape, TestCpu(2), {.batch_invariant = invariant}, kLimits);
    for (int i = 0; i < 1000; ++i) {
      TestBatch batch = RandomBatch(random, 40);
      const auto num_seqs = static_cast<uint32_t>(batch.seqs().size());
      for (uint32_t groups = random() % 4; groups > 0; --groups) {
        std::vector<int32_t> members;
        for (uint32_t m = 0; m < num_seqs; ++m) {
          if (random() % 3 == 0) members.push_back(static_cast<int32_t>(m));
        }
        if (!members.empty()) batch.Share(members, static_cast<int32_t>(random() % 400));
      }
      Planner& planner = i % 2 == 0 ? gpu : cpu;
      const AttnPlan plan = planner.Plan(batch.view());
      num_shared += plan.counts.num_shared_items;
      ASSERT_EQ(PlanFault(plan, batch.view(), shape, planner), "") << "batch " << i;
    }
  }
  EXPECT_GT(num_shared, 1000);
}

using Names = std::vector<std::tuple<int32_t, int32_t, int32_t, int32_t, int32_t, int32_t>>;

Names NamesOf(const AttnPlan& plan, const std::vector<int32_t>& name) {
  Names names;
  for (const AttnItem& item : plan.items()) {
    names.emplace_back(name[item.seq], item.kv_head, item.q_begin, item.q_end, item.kv_begin,
                       item.kv_end);
  }
  return names;
}

TEST(Planner, EqualInputsGiveEqualPlans) {
  std::mt19937 random(3);
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  std::vector<int32_t> same(64);
  std::iota(same.begin(), same.end(), 0);
  for (int i = 0; i < 200; ++i) {
    const TestBatch batch = RandomBatch(random, 64);
    const Names first = NamesOf(planner.Plan(batch.view()), same);
    planner.Plan(RandomBatch(random, 64).view());
    EXPECT_EQ(NamesOf(planner.Plan(batch.view()), same), first);
  }
}

TEST(Planner, TheOrderOfSequencesOnlyNamesThem) {
  std::mt19937 random(4);
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  for (int i = 0; i < 300; ++i) {
    const TestBatch batch = RandomBatch(random, 64);
    std::vector<int32_t> name(batch.seqs().size());
    std::iota(name.begin(), name.end(), 0);
    Names want = NamesOf(planner.Plan(batch.view()), name);
    const double predicted = planner.Plan(batch.view()).predicted_us;
    std::shuffle(name.begin(), name.end(), random);
    std::vector<SeqLengths> seqs;
    for (const int32_t n : name) seqs.push_back(batch.seqs()[n]);
    const TestBatch shuffled(seqs);
    const AttnPlan plan = planner.Plan(shuffled.view());
    Names got = NamesOf(plan, name);
    std::sort(want.begin(), want.end());
    std::sort(got.begin(), got.end());
    ASSERT_EQ(got, want);
    ASSERT_NEAR(plan.predicted_us, predicted, 1e-9 * predicted);
  }
}

TEST(Planner, AllocatesNothing) {
  std::mt19937 random(5);
  for (const bool invariant : {false, true}) {
    Planner planner(Qwen3_8b(), FittedGpu(), {.batch_invariant = invariant}, kLimits);
    for (int i = 0; i < 200; ++i) {
      TestBatch batch = RandomBatch(random, 64);
      batch.Share({0}, 1);
      const int64_t before = NumAllocations();
      planner.Plan(batch.view());
      planner.Next(batch.view());
      planner.Refresh(batch.view());
      ASSERT_EQ(NumAllocations(), before);
    }
  }
}

TEST(Planner, ADecodeThatGoesOnIsRefreshed) {
  const AttnShape shape = Qwen3_8b();
  Planner planner(shape, FittedGpu(), {}, kLimits);
  std::vector<int32_t> lens = {5000, 70, 1200};
  for (int step = 0; step < 200; ++step) {
    const TestBatch batch(Decodes(lens));
    const AttnPlan plan = planner.Next(batch.view());
    ASSERT_EQ(PlanFault(plan, batch.view(), shape, planner), "") << "step " << step;
    for (int32_t& len : lens) ++len;
  }
}

TEST(Planner, NothingToDo) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  const AttnPlan none = planner.Plan(TestBatch({}).view());
  EXPECT_EQ(none.work.num_items, 0);
  EXPECT_EQ(none.predicted_us, 0);
  const AttnPlan padded = planner.Plan(TestBatch({{0, 1}, {0, 2500}}).view());
  EXPECT_EQ(padded.work.num_items, 0) << "padded rows cost no items";
  EXPECT_EQ(padded.decisions[1].route, AttnRoute::kNone);
}

}  // namespace
}  // namespace weir
