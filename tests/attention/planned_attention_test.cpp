// SPDX-License-Identifier: Apache-2.0
//
// Plans run by kernels: whatever the planner makes of a batch, for whatever device and under
// whatever policy, the result is right; and with batch invariance it has the same bits.
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "attention/planner.h"
#include "attention/planner_test_util.h"
#include "kernels/paged_attention_testbed.h"

namespace weir {
namespace {

constexpr PlannerLimits kLimits = {.max_rows = 2048, .max_seqs = 64, .max_kv_len = 1 << 16};

AttnBatch ViewOf(const Batch& batch) {
  return {.row_begin = batch.row_begin(),
          .kv_len = batch.kv_len(),
          .pages = batch.pages(),
          .page_begin = batch.page_begin(),
          .page_len = batch.shape().page_len};
}

AttnShape ShapeOf(const Batch& batch) {
  const AttnTestShape& s = batch.shape();
  return {.num_q_heads = s.hq,
          .num_kv_heads = s.hkv,
          .head_dim = s.d,
          .kv_dtype = s.dtype,
          .window = batch.features.window,
          .softcap = batch.features.softcap > 0,
          .sinks = batch.features.sinks != nullptr,
          .causal = batch.features.causal};
}

Plan CopyOf(const AttnWork& work, int32_t num_members) {
  return {.items = {work.items, work.items + work.num_items},
          .merges = {work.merges, work.merges + work.num_merges},
          .members = {work.members, work.members + num_members},
          .segment_len = work.segment_len};
}

struct Planned {
  Plan plan;
  AttnCounts counts;
};

Planned PlanOf(Batch& batch, const DeviceProfile& device, const AttnPolicy& policy) {
  if (batch.row_begin().size() == 1) batch.Place();
  Planner planner(ShapeOf(batch), device, policy, kLimits);
  const AttnPlan plan = planner.Plan(ViewOf(batch));
  int32_t num_members = 0;
  for (const AttnItem& item : plan.items()) {
    num_members = std::max(num_members, item.first_member + item.num_members);
  }
  return {CopyOf(plan.work, num_members), plan.counts};
}

std::vector<AttnPolicy> Policies() {
  std::vector<AttnPolicy> policies(5);
  policies[0] = {.name = "before",
                 .routing = AttnRouting::kBatchPaged,
                 .splits = KvSplitRule::kFixedGated,
                 .fixed_splits = 32};
  policies[1] = {
      .name = "pr85", .routing = AttnRouting::kBatch, .splits = KvSplitRule::kBatchGated};
  policies[2] = {.name = "weir"};
  policies[3] = {.name = "row+fixed:5", .splits = KvSplitRule::kFixed, .fixed_splits = 5};
  policies[4] = {
      .name = "batch+planned", .routing = AttnRouting::kBatch, .splits = KvSplitRule::kPlanned};
  return policies;
}

std::vector<DeviceProfile> Devices() { return {TestCpu(2), TestCpu(7), TestCpu(64), FittedGpu()}; }

class PlannedAttention : public KernelTest {
 protected:
  // The reference treats every row by itself, slowly.
  bool slow() const { return GetParam() == &kReferenceKernels; }
  std::vector<AttnTestShape> Shapes() const {
    if (slow()) return {{2, 1, 16}};
    return {{8, 2, 64}, {4, 1, 128, 32}, {4, 2, 128, 16, KvDType::kInt8}};
  }
  int32_t long_len() const { return slow() ? 700 : 1500; }
};
WEIR_FOR_ALL_TABLES(PlannedAttention);

// Decodes of all lengths, a verification of four tokens, a fresh prefill, one over a prefix, and
// nobody.
void AddMixedStep(Batch& batch, const Content& content) {
  batch.Add(content, {1, content.kv_len});
  batch.Add(content, {40, 40});
  batch.Add(content, {1, 1});
  batch.Add(content, {4, 650});
  batch.Add(content, {0, 10});
  batch.Add(content, {33, 430});
  batch.Add(content, {1, 257});
}

TEST_P(PlannedAttention, IsRightForEveryDeviceAndPolicy) {
  ThreadPool pool({.num_threads = 3, .pin = false});
  for (const AttnTestShape& shape : Shapes()) {
    const Content content(shape, long_len(), 1);
    for (const DeviceProfile& device : Devices()) {
      for (AttnPolicy policy : Policies()) {
        for (const bool invariant : {false, true}) {
          policy.batch_invariant = invariant;
          SCOPED_TRACE(testing::Message() << shape << ' ' << device.num_workers << " workers, "
                                          << policy.name << (invariant ? ", invariant" : ""));
          Batch mixed(shape, 1);
          AddMixedStep(mixed, content);
          mixed.ExpectRight(mixed.Run(table(), PlanOf(mixed, device, policy).plan, &pool));
          Batch decodes(shape, 2);
          for (const int32_t len : {long_len(), 40, 640}) decodes.Add(content, {1, len});
          decodes.ExpectRight(decodes.Run(table(), PlanOf(decodes, device, policy).plan, &pool));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(PlannedAttention, FeaturesAreRightUnderEveryPolicy) {
  const AttnTestShape shape = Shapes()[0];
  const Content content(shape, long_len(), 1);
  const std::vector<float> sinks(shape.hq, 0.7f);
  const AttnFeatures kFeatures[] = {
      {.window = 300}, {.softcap = 5.0f}, {.sinks = sinks.data()}, {.causal = false}};
  for (const AttnFeatures& features : kFeatures) {
    for (const AttnPolicy& policy : Policies()) {
      Batch batch(shape, 1);
      batch.features = features;
      AddMixedStep(batch, content);
      batch.ExpectRight(batch.Run(table(), PlanOf(batch, FittedGpu(), policy).plan));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(PlannedAttention, SharedPagesAreReadOnceAndRight) {
  int32_t num_shared = 0;
  ThreadPool pool({.num_threads = 2, .pin = false});
  for (const AttnTestShape& shape : Shapes()) {
    const int32_t shared = 512;
    const Content first(shape, 600, 1);
    std::vector<std::unique_ptr<Content>> contents;
    Batch batch(shape, 1);
    batch.Add(first, {1, 600});
    for (int i = 0; i < 12; ++i) {
      contents.push_back(std::make_unique<Content>(shape, 560 + i, 10 + i));
      contents.back()->CopyPrefix(first, shared);
      batch.Add(*contents.back(), {1 + i % 2, 560 + i}, shared);
    }
    for (const bool invariant : {false, true}) {
      for (const DeviceProfile& device : {TestCpu(2), FittedGpu()}) {
        const Planned planned = PlanOf(batch, device, {.batch_invariant = invariant});
        num_shared += planned.counts.num_shared_items;
        batch.ExpectRight(batch.Run(table(), planned.plan, &pool));
        if (HasFatalFailure()) return;
      }
    }
  }
  EXPECT_GT(num_shared, 0);
}

// Neighbours, order, policy, workers, threads and shared items change no bit of a sequence.
TEST_P(PlannedAttention, InvariantBitsDoNotDependOnThePlan) {
  for (const AttnTestShape& shape : Shapes()) {
    const Content mine(shape, long_len(), 3, /*k_size=*/3.0f);
    const Content other(shape, long_len(), 4);
    for (const Sequence seq : {Sequence{1, long_len() - 50}, Sequence{37, 600}}) {
      Batch alone(shape, 1);
      alone.Add(mine, seq);
      const std::vector<Bf16> want =
          alone.Run(table(), PlanOf(alone, TestCpu(2), {.batch_invariant = true}).plan);
      for (const DeviceProfile& device : Devices()) {
        for (AttnPolicy policy : Policies()) {
          policy.batch_invariant = true;
          ThreadPool pool({.num_threads = 1 + device.num_workers % 4, .pin = false});
          Batch batch(shape, 2);
          batch.Add(other, {1, long_len()});
          batch.Add(mine, seq);
          batch.Add(other, {60, 123});
          const std::vector<Bf16> out =
              batch.Run(table(), PlanOf(batch, device, policy).plan, &pool);
          ASSERT_TRUE(SameBits(out.data() + batch.OutBegin(1), want.data(),
                               static_cast<int64_t>(want.size())))
              << shape << ' ' << policy.name << ' ' << device.num_workers << " workers";
        }
      }
    }
  }
}

TEST_P(PlannedAttention, InvariantBitsDoNotDependOnSharing) {
  for (const AttnTestShape& shape : Shapes()) {
    const Content first(shape, 700, 1);
    Batch batch(shape, 1);
    for (int i = 0; i < 20; ++i) batch.Add(first, {1, 680 + i}, i == 0 ? 0 : 672);
    const auto run = [&](bool cascade) {
      const AttnPolicy policy = {.batch_invariant = true, .cascade = cascade};
      const Planned planned = PlanOf(batch, TestCpu(2), policy);
      EXPECT_EQ(planned.counts.num_shared_items > 0, cascade);
      return batch.Run(table(), planned.plan);
    };
    EXPECT_TRUE(SameBits(run(true), run(false))) << shape;
  }
}

// A prompt in one step has the bits of the same prompt in two, wherever it is cut.
TEST_P(PlannedAttention, InvariantPrefillGivesTheSameBitsInChunks) {
  for (const AttnTestShape& shape : Shapes()) {
    const int32_t len = slow() ? 300 : 600;
    const Content content(shape, len, 5, /*k_size=*/3.0f);
    Batch whole(shape, 1);
    whole.Add(content, {len, len});
    const AttnPolicy policy = {.batch_invariant = true};
    const std::vector<Bf16> want = whole.Run(table(), PlanOf(whole, TestCpu(2), policy).plan);
    for (const int32_t cut : {1, 17, 100, 255, 256, 257, len - 1}) {
      for (const auto& [begin, end] : {std::pair(0, cut), std::pair(cut, len)}) {
        Batch part(shape, 7);
        part.Add(content, {end - begin, end});
        const std::vector<Bf16> out = part.Run(table(), PlanOf(part, FittedGpu(), policy).plan);
        ASSERT_TRUE(SameBits(out.data(), want.data() + begin * part.row_length(),
                             static_cast<int64_t>(out.size())))
            << shape << " cut at " << cut;
      }
    }
  }
}

}  // namespace
}  // namespace weir
