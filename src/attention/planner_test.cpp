// SPDX-License-Identifier: Apache-2.0
//
// What every plan must be, for random batches of every kind under every policy.
#include "attention/planner.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <random>
#include <tuple>

#include "attention/planner_test_util.h"
#include "kernels/count_allocations.h"

namespace weir {
namespace {

constexpr PlannerLimits kLimits = {.max_rows = 2048, .max_seqs = 64, .max_kv_len = 1 << 18};

// A stretch of keys of some rows and one KV head, and the parts that it fills.
struct Stretch {
  int32_t kv_begin;
  int32_t kv_end;
  int32_t part;
  int32_t merge;
  friend bool operator<(const Stretch& a, const Stretch& b) { return a.kv_begin < b.kv_begin; }
};
using RowsAndHead = std::tuple<int32_t, int32_t, int32_t, int32_t>;  // seq, head, q_begin, q_end

class Checker {
 public:
  Checker(const AttnPlan& plan, const AttnBatch& batch, const AttnShape& shape,
          const Planner& planner)
      : plan_(plan), batch_(batch), shape_(shape), planner_(planner) {}

  void Check() {
    const PlanCapacity& capacity = planner_.capacity();
    ASSERT_LE(plan_.work.num_items, capacity.max_items);
    ASSERT_LE(plan_.work.num_merges, capacity.max_merges);
    ASSERT_LE(plan_.counts.num_slot_rows, capacity.max_slot_rows());
    for (const AttnItem& item : plan_.items()) AddItem(item);
    std::map<std::pair<int32_t, int32_t>, int32_t> next_row;  // by sequence and head
    for (auto& [rows, stretches] : stretches_) {
      const auto [seq, head, q_begin, q_end] = rows;
      ASSERT_EQ(q_begin, (next_row[{seq, head}]));
      next_row[{seq, head}] = q_end;
      CheckStretches(rows, stretches);
      if (testing::Test::HasFatalFailure()) return;
    }
    for (int32_t seq = 0; seq < batch_.num_seqs(); ++seq) {
      for (int32_t head = 0; head < shape_.num_kv_heads; ++head) {
        ASSERT_EQ((next_row[{seq, head}]), batch_.q_len(seq)) << "rows of " << seq;
      }
    }
    CheckSlots();
  }

 private:
  void AddItem(const AttnItem& item) {
    const Stretch stretch = {item.kv_begin, item.kv_end, item.part, item.merge};
    if (item.num_members == 0) {
      stretches_[{item.seq, item.kv_head, item.q_begin, item.q_end}].push_back(stretch);
      return;
    }
    for (int32_t i = 0; i < item.num_members; ++i) {
      const AttnMember& member = plan_.work.members[item.first_member + i];
      // Members hold the same pages as the sequence whose table is read.
      for (int32_t t = item.kv_begin; t < item.kv_end; t += batch_.page_len) {
        const int32_t page = t / batch_.page_len;
        ASSERT_EQ(batch_.pages[batch_.page_begin[member.seq] + page],
                  batch_.pages[batch_.page_begin[item.seq] + page]);
      }
      Stretch own = stretch;
      own.merge = member.merge + item.kv_head;
      stretches_[{member.seq, item.kv_head, 0, batch_.q_len(member.seq)}].push_back(own);
    }
  }

  // Ascending without holes from the first key that any of the rows sees to the last.
  void CheckStretches(const RowsAndHead& rows, std::vector<Stretch>& stretches) {
    const auto [seq, head, q_begin, q_end] = rows;
    std::sort(stretches.begin(), stretches.end());
    const int32_t first_end = shape_.causal ? batch_.cached(seq) + q_begin + 1 : batch_.kv_len[seq];
    const int32_t last_end = shape_.causal ? batch_.cached(seq) + q_end : batch_.kv_len[seq];
    const int32_t first = shape_.window > 0 ? std::max(0, first_end - shape_.window) : 0;
    const int32_t unit = planner_.capacity().unit_len;
    ASSERT_EQ(stretches.front().kv_begin, first / unit * unit);
    ASSERT_EQ(stretches.back().kv_end, last_end);
    const bool whole = stretches.size() == 1;
    int32_t part = 0;
    for (size_t i = 0; i < stretches.size(); ++i) {
      const Stretch& s = stretches[i];
      ASSERT_LT(s.kv_begin, s.kv_end);
      ASSERT_EQ(s.kv_begin % unit, 0);
      ASSERT_EQ(s.merge >= 0, !whole);
      ASSERT_EQ(s.part, part);
      ASSERT_EQ(s.kv_begin, i > 0 ? stretches[i - 1].kv_end : s.kv_begin);
      const int32_t segment = plan_.work.segment_len;
      part += segment == 0 || i == 0 ? 1 : (s.kv_end - s.kv_begin + segment - 1) / segment;
    }
    if (whole) return;
    const AttnMerge& merge = plan_.work.merges[stretches[0].merge];
    ASSERT_EQ(std::tuple(merge.seq, merge.kv_head, merge.q_begin, merge.q_end), rows);
    ASSERT_EQ(merge.num_parts, part);
    ASSERT_EQ(merge.num_items, std::ssize(stretches));
    ++num_merged_;
  }

  // No two merges share a slot row.
  void CheckSlots() {
    ASSERT_EQ(num_merged_, plan_.work.num_merges);
    int64_t next = 0;
    for (const AttnMerge& merge : plan_.merges()) {
      ASSERT_EQ(merge.first_slot_row, next);
      next += int64_t{merge.num_parts} * (merge.q_end - merge.q_begin) * shape_.group();
    }
    ASSERT_EQ(next, plan_.counts.num_slot_rows);
  }

  const AttnPlan& plan_;
  const AttnBatch& batch_;
  const AttnShape& shape_;
  const Planner& planner_;
  std::map<RowsAndHead, std::vector<Stretch>> stretches_;
  int32_t num_merged_ = 0;
};

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
      Checker(plan, batch.view(), shape, planner).Check();
      ASSERT_FALSE(HasFatalFailure()) << "planner " << i << " batch " << j;
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
      Checker(plan, batch.view(), shape, planner).Check();
      ASSERT_FALSE(HasFatalFailure()) << "batch " << i;
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
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  std::vector<int32_t> lens = {5000, 70, 1200};
  for (int step = 0; step < 200; ++step) {
    const TestBatch batch(Decodes(lens));
    const AttnPlan plan = planner.Next(batch.view());
    Checker(plan, batch.view(), Qwen3_8b(), planner).Check();
    ASSERT_FALSE(HasFatalFailure()) << "step " << step;
    for (int32_t& len : lens) ++len;
  }
}

TEST(Planner, FewThreadsDoNotSplit) {
  Planner planner(Qwen3_8b(), TestCpu(2), {}, kLimits);
  const TestBatch batch(Decodes(std::vector<int32_t>(8, 2500)));
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_EQ(plan.work.num_items, 64);
  EXPECT_EQ(plan.work.num_merges, 0);
}

TEST(Planner, OddThreadsSplitALoneRow) {
  AttnShape shape = Qwen3_8b();
  Planner planner(shape, TestCpu(5), {}, kLimits);
  const TestBatch batch(Decodes({32768}));
  EXPECT_GT(planner.Plan(batch.view()).decisions[0].splits, 1);
}

TEST(Planner, DecodesOfMixedStepsAreSplitToo) {
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
TEST(Planner, MixedStepsKeepMemoryAndComputingBusy) {
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
TEST(Planner, WhatWouldEndLastGoesFirst) {
  const AttnShape shape = {.num_q_heads = 4, .num_kv_heads = 1, .head_dim = 128};
  Planner planner(shape, TestCpu(4), {.splits = KvSplitRule::kFixed, .fixed_splits = 1}, kLimits);
  const TestBatch batch({{512, 512}, {1, 100}, {1, 65536}, {512, 512}});
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_EQ(plan.items()[0].seq, 2);
}

// A chunk of few query tiles over a long prefix would leave most workers idle.
TEST(Planner, AShortChunkOverALongPrefixIsSplitAlongItsKeys) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  const TestBatch batch({{48, 32768}});
  const AttnPlan plan = planner.Plan(batch.view());
  EXPECT_EQ(plan.decisions[0].route, AttnRoute::kPrefix);
  EXPECT_GT(plan.decisions[0].splits, 1);
}

TEST(Planner, CascadeIsTakenWhenItPays) {
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

TEST(Planner, NothingToDo) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, kLimits);
  const AttnPlan none = planner.Plan(TestBatch({}).view());
  EXPECT_EQ(none.work.num_items, 0);
  EXPECT_EQ(none.predicted_us, 0);
  const AttnPlan padded = planner.Plan(TestBatch({{0, 1}, {0, 2500}}).view());
  EXPECT_EQ(padded.work.num_items, 0) << "padded rows cost no items";
  EXPECT_EQ(padded.decisions[1].route, AttnRoute::kNone);
}

TEST(PlannerDeathTest, ABatchBeyondTheLimitsAborts) {
  Planner planner(Qwen3_8b(), FittedGpu(), {}, {.max_rows = 8, .max_seqs = 2, .max_kv_len = 100});
  const TestBatch batch(Decodes({5, 5, 5}));
  EXPECT_DEATH(planner.Plan(batch.view()), "max_tiles");
}

}  // namespace
}  // namespace weir
