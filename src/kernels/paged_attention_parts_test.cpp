// SPDX-License-Identifier: Apache-2.0
//
// Rows whose keys are cut into several items: parts, merges, shared items.
#include "base/thread_pool.h"
#include "kernels/paged_attention_testbed.h"

namespace weir {
namespace {

class AttentionParts : public KernelTest {
 protected:
  bool is_reference() const { return GetParam() == &kReferenceKernels; }
};
WEIR_FOR_ALL_TABLES(AttentionParts);

// All group sizes that models have and some that they have not; odd head sizes.
std::vector<AttnTestShape> Shapes(bool few) {
  if (few) return {{2, 1, 18}, {3, 1, 64, 32}};
  std::vector<AttnTestShape> shapes = {{16, 8, 128}, {32, 8, 128, 32}, {4, 2, 256},
                                       {5, 1, 80},   {2, 1, 18, 64},   {2, 1, 640}};
  for (int32_t group = 1; group <= 16; ++group) shapes.push_back({group, 1, 64});
  return shapes;
}

TEST_P(AttentionParts, AnyCutOfKeysIsRight) {
  std::mt19937 random(7);
  for (const AttnTestShape& shape : Shapes(is_reference())) {
    const Content content(shape, 400, 5);
    Batch batch(shape, 1);
    batch.Add(content, {1, 400});
    batch.Add(content, {1, 1});
    batch.Add(content, {9, 133});
    batch.Add(content, {40, 40});
    for (int i = 0; i < 3; ++i) {
      batch.ExpectRight(batch.Run(table(), batch.RandomCuts({.most_items = 12}, random)));
      if (HasFatalFailure()) return;
    }
  }
}

// Scores that grow make every part raise the maximum; scores that fall make it keep the first.
TEST_P(AttentionParts, LargeScoresMergeWithoutOverflow) {
  std::mt19937 random(7);
  const AttnTestShape shape{2, 1, 64};
  Content content(shape, 300, 7, /*k_size=*/400.0f);
  Batch batch(shape, 1);
  batch.Add(content, {20, 300});
  for (int i = 0; i < 5; ++i) {
    batch.ExpectRight(batch.Run(table(), batch.RandomCuts({.most_items = 19}, random)));
    if (HasFatalFailure()) return;
  }
}

// Every item is 16 keys long, so a row of 16 k keys has k parts.
TEST_P(AttentionParts, FromTwoTo256Parts) {
  std::mt19937 random(7);
  const AttnTestShape shape{3, 1, is_reference() ? 18 : 64};
  for (const int32_t parts : {2, 3, 16, 17, 100, 256}) {
    const Content content(shape, 16 * parts, 5, /*k_size=*/3.0f);
    Batch batch(shape, 1);
    batch.Add(content, {1, 16 * parts});
    Plan plan;
    for (int32_t i = 0; i < parts; ++i) {
      plan.items.push_back({.q_end = 1, .kv_begin = 16 * i, .kv_end = 16 * i + 16, .part = i});
    }
    plan.merges = {{.q_end = 1, .num_parts = parts, .num_items = parts}};
    plan.Shuffle(random);
    batch.ExpectRight(batch.Run(table(), plan));
    if (HasFatalFailure()) return;
  }
}

TEST_P(AttentionParts, ASinglePartGivesTheBitsOfNone) {
  for (const AttnTestShape& shape : Shapes(is_reference())) {
    const Content content(shape, 300, 5);
    Batch batch(shape, 1);
    batch.Add(content, {3, 300});
    Plan plan = batch.Direct();
    const std::vector<Bf16> want = batch.Run(table(), plan);
    for (AttnItem& item : plan.items) {
      item.merge = item.kv_head;
      plan.merges.push_back({.kv_head = item.kv_head,
                             .q_end = 3,
                             .first_slot_row = item.kv_head * 3 * shape.group(),
                             .num_parts = 1,
                             .num_items = 1});
    }
    EXPECT_TRUE(SameBits(batch.Run(table(), plan), want)) << shape;
  }
}

// Parts of keys that a row does not see change nothing, wherever they stand. Here the first rows of
// a chunk see none of the later keys, and nobody sees the last part.
TEST_P(AttentionParts, PartsOfUnseenKeysAreNeutral) {
  for (const AttnTestShape& shape : Shapes(is_reference())) {
    const Content content(shape, 200, 5);
    Batch batch(shape, 1);
    batch.Add(content, {72, 200});
    batch.features.window = 80;
    const auto run = [&](const std::vector<std::pair<int32_t, int32_t>>& pieces) {
      Plan plan;
      for (int32_t head = 0; head < shape.hkv; ++head) {
        AttnItem item{.kv_head = head, .q_begin = 10, .q_end = 20, .merge = head};
        for (const auto& [begin, end] : pieces) {
          item.kv_begin = begin;
          item.kv_end = end;
          plan.items.push_back(item);
          ++item.part;
        }
        plan.merges.push_back(
            {.kv_head = head,
             .q_begin = 10,
             .q_end = 20,
             .first_slot_row = static_cast<int32_t>(plan.NumSlotRows(shape.group())),
             .num_parts = item.part,
             .num_items = item.part});
      }
      return batch.Run(table(), plan);
    };
    // Row 10 stands at position 138 and sees [59, 138], row 19 at 147.
    const std::vector<Bf16> want = run({{48, 128}, {128, 160}});
    EXPECT_TRUE(SameBits(run({{0, 32}, {32, 48}, {48, 128}, {128, 160}}), want)) << shape;
    EXPECT_TRUE(SameBits(run({{48, 128}, {128, 160}, {160, 192}, {192, 200}}), want)) << shape;
  }
}

// Rows of several sequences whose pages begin alike, in one item: new rows may be more than one.
TEST_P(AttentionParts, SharedPrefixesAreRight) {
  std::mt19937 random(7);
  for (const AttnTestShape& shape : Shapes(is_reference())) {
    const int32_t shared = 128;
    const Content first(shape, 200, 5);
    std::vector<Content> others;
    Batch batch(shape, 1);
    batch.Add(first, {1, 200});
    for (int32_t i = 0; i < 4; ++i) others.emplace_back(shape, 150 + 20 * i, 50 + i);
    for (int32_t i = 0; i < 4; ++i) {
      others[i].CopyPrefix(first, shared);
      batch.Add(others[i], {1 + 5 * (i % 2), others[i].kv_len}, shared);
    }
    for (int i = 0; i < 2; ++i) {
      batch.ExpectRight(batch.Run(table(), batch.SharedPrefix(shared, {}, random)));
      if (HasFatalFailure()) return;
    }
  }
}

// Whoever comes last folds the same parts in the same order. The pool has more threads than the
// machine has CPUs, so the system delays workers anywhere, also just before they arrive.
TEST_P(AttentionParts, BitsDoNotDependOnWhoComesLast) {
  std::mt19937 random(7);
  const AttnTestShape shape{4, 2, 32};
  const Content content(shape, 300, 5);
  Batch batch(shape, 1);
  batch.Add(content, {1, 300});
  batch.Add(content, {7, 222});
  batch.Add(content, {1, 64});
  Plan plan = batch.RandomCuts({.most_items = 15}, random);
  const std::vector<Bf16> want = batch.Run(table(), plan);
  const int rounds = is_reference() ? 2 : 200;
  for (const int32_t threads : {1, 2, 3, 5, 8}) {
    ThreadPool pool({.num_threads = threads, .pin = false});
    for (int i = 0; i < rounds; ++i) {
      plan.Shuffle(random);
      ASSERT_TRUE(SameBits(batch.Run(table(), plan, &pool), want)) << threads;
    }
  }
}

}  // namespace
}  // namespace weir
