// SPDX-License-Identifier: Apache-2.0
//
// Segments: bits do not depend on how the work was cut.
#include "base/thread_pool.h"
#include "kernels/paged_attention_testbed.h"

namespace weir {
namespace {

class AttentionSegments : public KernelTest {
 protected:
  // The reference treats every row by itself, slowly.
  std::vector<AttnTestShape> Shapes() const {
    if (GetParam() == &kReferenceKernels) return {{2, 1, 18}};
    return {{16, 8, 128},
            {8, 1, 64, 32},
            {5, 1, 80},
            {3, 3, 256},
            {2, 1, 18},
            {2, 1, 64, 16, KvDType::kInt8},
            {12, 1, 128, 32, KvDType::kInt8}};
  }
  Plan Direct(const Batch& batch, int32_t rows = 1 << 30) const {
    Plan plan = batch.Direct(rows);
    plan.segment_len = kSegment;
    return plan;
  }
  static constexpr int32_t kSegment = 64;
};
WEIR_FOR_ALL_TABLES(AttentionSegments);

TEST_P(AttentionSegments, AreRight) {
  std::mt19937 random(7);
  for (const AttnTestShape& shape : Shapes()) {
    for (const int32_t segment : {16, 64, 144, 256}) {
      const Content content(shape, 400, 5);
      Batch batch(shape, 1);
      batch.Add(content, {1, 400});
      batch.Add(content, {20, 190});
      batch.ExpectRight(batch.Run(table(), batch.RandomCuts({.segment_len = segment}, random)));
      if (HasFatalFailure()) return;
    }
  }
}

// Cuts of rows and of keys, alone or with neighbours, on any number of threads.
TEST_P(AttentionSegments, BitsDoNotDependOnAnyCut) {
  std::mt19937 random(7);
  std::vector<std::unique_ptr<ThreadPool>> pools;
  for (const int32_t threads : {1, 2, 5}) {
    pools.push_back(std::make_unique<ThreadPool>(ThreadPoolOptions{threads, /*pin=*/false}));
  }
  for (const AttnTestShape& shape : Shapes()) {
    const Content mine(shape, 530, 5, /*k_size=*/3.0f);
    const Content other(shape, 300, 6);
    Batch alone(shape, 1);
    alone.Add(mine, {35, 530});
    const std::vector<Bf16> want = alone.Run(table(), Direct(alone));
    Batch mixed(shape, 2);
    mixed.Add(other, {1, 300});
    mixed.Add(mine, {35, 530});
    mixed.Add(other, {60, 123});
    const Cuts cuts{.segment_len = kSegment, .most_items = 9};
    for (int i = 0; i < 6; ++i) {
      ThreadPool* pool = pools[i % pools.size()].get();
      EXPECT_TRUE(SameBits(alone.Run(table(), alone.RandomCuts(cuts, random), pool), want))
          << shape;
      const std::vector<Bf16> out = mixed.Run(table(), mixed.RandomCuts(cuts, random), pool);
      EXPECT_TRUE(
          SameBits(out.data() + mixed.OutBegin(1), want.data(), static_cast<int64_t>(want.size())))
          << shape;
    }
  }
}

// The prompt in one step, in chunks, or token by token: the same bits for every position.
TEST_P(AttentionSegments, DecodeGivesTheBitsOfPrefill) {
  std::mt19937 random(7);
  for (const AttnTestShape& shape : Shapes()) {
    const int32_t len = 150;
    const Content content(shape, len, 5, /*k_size=*/3.0f);
    Batch prefill(shape, 1);
    prefill.Add(content, {len, len});
    const std::vector<Bf16> whole = prefill.Run(table(), Direct(prefill));
    for (const int32_t chunk : {1, 13, 64, 128}) {
      for (int32_t begin = 0; begin < len; begin += chunk) {
        const int32_t end = std::min(len, begin + chunk);
        Batch step(shape, 100 + begin);
        step.Add(content, {end - begin, end});
        const std::vector<Bf16> part =
            step.Run(table(), step.RandomCuts({.segment_len = kSegment}, random));
        ASSERT_TRUE(SameBits(part.data(), whole.data() + begin * step.row_length(),
                             static_cast<int64_t>(part.size())))
            << shape << " chunk " << chunk << " begin " << begin;
      }
    }
  }
}

TEST_P(AttentionSegments, SharingGivesTheBitsOfNotSharing) {
  std::mt19937 random(7);
  for (const AttnTestShape& shape : Shapes()) {
    const int32_t shared = 3 * kSegment;
    const Content first(shape, 300, 5);
    Content second(shape, 230, 6);
    Content third(shape, 400, 7);
    second.CopyPrefix(first, shared);
    third.CopyPrefix(first, shared);
    Batch batch(shape, 1);
    batch.Add(first, {1, 300});
    batch.Add(second, {3, 230}, shared);
    batch.Add(third, {1, 400}, shared);
    const std::vector<Bf16> want = batch.Run(table(), Direct(batch));
    for (int i = 0; i < 6; ++i) {
      const Plan plan =
          batch.SharedPrefix(shared, {.segment_len = kSegment, .most_items = 5}, random);
      EXPECT_TRUE(SameBits(batch.Run(table(), plan), want)) << shape;
    }
  }
}

TEST_P(AttentionSegments, FeaturesKeepIt) {
  std::mt19937 random(7);
  const float sinks[] = {0.5f, -1.0f, 2.0f};
  for (const AttnTestShape& shape : {AttnTestShape{3, 1, 18}, AttnTestShape{3, 1, 64}}) {
    const Content content(shape, 290, 5, /*k_size=*/3.0f);
    Batch batch(shape, 1);
    batch.Add(content, {35, 290});
    batch.features = {.window = 100, .softcap = 2.0f, .sinks = sinks};
    const std::vector<Bf16> want = batch.Run(table(), Direct(batch));
    batch.ExpectRight(want);
    for (int i = 0; i < 6; ++i) {
      const Plan plan = batch.RandomCuts({.segment_len = kSegment}, random);
      EXPECT_TRUE(SameBits(batch.Run(table(), plan), want)) << shape;
    }
    // Items may leave out what no row sees: the first row stands at 255 and sees [156, 255].
    Plan late = Direct(batch, 10);
    for (AttnItem& item : late.items) item.kv_begin = 2 * kSegment;
    EXPECT_TRUE(SameBits(batch.Run(table(), late), want)) << shape;
  }
}

}  // namespace
}  // namespace weir
