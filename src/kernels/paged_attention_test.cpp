// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <numeric>

#include "base/thread_pool.h"
#include "kernels/count_allocations.h"
#include "kernels/paged_attention_testbed.h"

namespace weir {
namespace {

class PagedAttention : public KernelTest {};
WEIR_FOR_ALL_TABLES(PagedAttention);

struct Case {
  AttnTestShape shape;
  std::vector<Sequence> seqs;
};

const Case kCases[] = {
    {{1, 1, 2}, {{1, 1}, {3, 3}}},  // the smallest there is
    {{1, 1, 6}, {{5, 40}}},         // one vector is not full
    {{2, 1, 18}, {{5, 21}}},        // one vector and a bit
    {{3, 1, 64},
     {{1, 127}, {1, 128}, {1, 129}, {1, 63}, {1, 64}, {1, 65}}},  // around the edge of a tile
    {{4, 4, 64}, {{1, 15}, {1, 16}, {1, 17}, {2, 17}}},           // around the edge of a panel
    {{16, 8, 128}, {{1, 2500}, {7, 300}, {1, 1}}},                // decodes, a chunk, a newborn
    {{8, 1, 128, 32}, {{33, 129}, {1, 31}}},             // eight heads on one, longer pages
    {{10, 2, 80, 64}, {{20, 20}, {1, 200}, {70, 190}}},  // five heads on one, ragged head size
    {{16, 1, 96}, {{9, 100}}},
    {{32, 1, 112, 48}, {{2, 49}, {11, 47}}},  // more heads than a strip of registers
    {{4, 2, 256}, {{50, 130}, {1, 64}}},
    {{2, 1, 640}, {{31, 70}}},      // fewer rows fit a block
    {{1, 1, 4096, 32}, {{5, 35}}},  // the largest head
};

TEST_P(PagedAttention, IsTheSoftmaxWeightedMean) {
  for (const Case& c : kCases) {
    std::vector<std::unique_ptr<Content>> contents;
    Batch batch(c.shape, 1);
    for (const Sequence& seq : c.seqs) {
      contents.push_back(std::make_unique<Content>(c.shape, seq.kv_len, contents.size()));
      batch.Add(*contents.back(), seq);
    }
    batch.ExpectRight(batch.Run(table()));
    if (HasFatalFailure()) return;
  }
}

// Large keys make one token take all the weight, and rescaling by tiny factors common.
TEST_P(PagedAttention, PeakedSoftmaxPicksOneToken) {
  const AttnTestShape shape{2, 1, 64};
  Content content(shape, 300, 7, /*k_size=*/400.0f);
  Batch batch(shape, 1);
  batch.Add(content, {300, 300});
  batch.ExpectRight(batch.Run(table()));
}

TEST_P(PagedAttention, EqualScoresGiveTheExactMean) {
  const AttnTestShape shape{4, 2, 80};
  Content content(shape, 128, 3);
  std::fill(content.q.begin(), content.q.end(), Bf16{0});
  for (int64_t t = 0; t < 128; ++t) {
    // Half of the tokens say 1, the other half 3: the mean of all 128 is exactly 2.
    std::fill_n(content.v.begin() + t * 160, 160, ToBf16(t % 4 < 2 ? 1.0f : 3.0f));
  }
  Batch batch(shape, 1);
  batch.Add(content, {1, 128});
  for (const Bf16 x : batch.Run(table())) ASSERT_EQ(ToFloat(x), 2.0f);
}

// The weights' rounding is divided out again.
TEST_P(PagedAttention, EqualValuesComeOutAsTheyAre) {
  const AttnTestShape shape{3, 1, 32};
  Content content(shape, 333, 3);
  std::fill(content.v.begin(), content.v.end(), ToBf16(-1.5f));
  Batch batch(shape, 1);
  batch.Add(content, {50, 333});
  for (const Bf16 x : batch.Run(table())) ASSERT_EQ(ToFloat(x), -1.5f);
}

TEST_P(PagedAttention, FirstTokenSeesItselfOnly) {
  const AttnTestShape shape{4, 2, 112};
  Content content(shape, 9, 3);
  Batch batch(shape, 1);
  batch.Add(content, {9, 9});
  const std::vector<Bf16> out = batch.Run(table());
  for (int32_t head = 0; head < 4; ++head) {
    EXPECT_TRUE(SameBits(out.data() + head * 112, content.v.data() + head / 2 * 112, 112));
  }
}

TEST_P(PagedAttention, UnseenMemoryDoesNotMatter) {
  const AttnTestShape shape{6, 2, 96, 32};
  Content content(shape, 200, 3);
  std::vector<std::vector<Bf16>> outs;
  for (const float poison : {kNaN, std::numeric_limits<float>::infinity(), 0.0f, -3e38f}) {
    Batch batch(shape, 1, ToBf16(poison));
    batch.Add(content, {40, 177});
    batch.Add(content, {1, 1});
    outs.push_back(batch.Run(table()));
    for (const Bf16 x : outs.back()) ASSERT_TRUE(std::isfinite(ToFloat(x)));
    EXPECT_TRUE(SameBits(outs.front(), outs.back())) << poison;
  }
}

TEST_P(PagedAttention, WritesTheRowsOfItsItemsOnly) {
  const AttnTestShape shape{4, 2, 64};
  Content content(shape, 40, 3);
  Batch batch(shape, 1);
  batch.Add(content, {10, 40});
  const std::vector<Bf16> all = batch.Run(table());
  Plan plan;
  plan.items = {{.seq = 0, .kv_head = 1, .q_begin = 3, .q_end = 5, .kv_end = 40, .merge = -1}};
  const std::vector<Bf16> some = batch.Run(table(), plan);
  for (int32_t r = 0; r < 10; ++r) {
    for (int32_t head = 0; head < 4; ++head) {
      const int64_t at = (r * 4 + head) * 64;
      const bool written = r >= 3 && r < 5 && head >= 2;
      for (int32_t i = 0; i < 64; ++i) {
        ASSERT_EQ(some[at + i].bits, written ? all[at + i].bits : kPoison.bits);
      }
    }
  }
}

TEST_P(PagedAttention, AllocatesNothing) {
  if (GetParam() == &kReferenceKernels) GTEST_SKIP() << "the reference may";
  const AttnTestShape shape{4, 2, 64};
  Content content(shape, 140, 3);
  Batch batch(shape, 1);
  batch.Add(content, {100, 140});
  ThreadPool pool({.num_threads = 2, .pin = false});
  std::mt19937 random(1);
  const Plan plan = batch.RandomCuts({}, random);
  batch.Run(table(), plan, &pool);
  const int64_t before = NumAllocations();
  batch.Run(table(), plan, &pool);
  EXPECT_EQ(NumAllocations() - before, 1) << "the test's own output is one";
}

TEST_P(PagedAttention, NoItemsNoWork) {
  const AttnTestShape shape{4, 2, 64};
  Content content(shape, 4, 3);
  Batch batch(shape, 1);
  batch.Add(content, {1, 4});
  for (const Bf16 x : batch.Run(table(), {})) ASSERT_EQ(x.bits, kPoison.bits);
  Plan plan;
  plan.items = {{.seq = 0, .kv_head = 1, .q_begin = 1, .q_end = 1, .kv_end = 4, .merge = -1}};
  for (const Bf16 x : batch.Run(table(), plan)) ASSERT_EQ(x.bits, kPoison.bits);
}

// One and two query heads to a KV head, up to sixteen, so that strips of all sizes are met. The
// reference treats every row by itself, slowly: one small shape will do.
std::vector<AttnTestShape> InvariantShapes(const KernelTable& table) {
  if (table.paged_attention == kReferenceKernels.paged_attention) return {{2, 1, 18}};
  return {{16, 8, 128}, {32, 8, 128, 32}, {5, 1, 80}, {16, 1, 64}, {3, 3, 256}, {2, 1, 18}};
}

TEST_P(PagedAttention, BitsDoNotDependOnTheCutIntoItems) {
  for (const AttnTestShape& shape : InvariantShapes(table())) {
    Content content(shape, 290, 5);
    Batch batch(shape, 1);
    batch.Add(content, {170, 290});
    const std::vector<Bf16> whole = batch.Run(table());
    for (const int32_t rows : {1, 2, 3, 7, 16, 33, 64, 100}) {
      EXPECT_TRUE(SameBits(batch.Run(table(), batch.Direct(rows)), whole))
          << "d " << shape.d << " rows " << rows;
    }
  }
}

// The prompt in one step, in chunks, or token by token: the same bits for every position.
TEST_P(PagedAttention, DecodeGivesTheBitsOfPrefill) {
  for (const AttnTestShape& shape : InvariantShapes(table())) {
    const int32_t len = 150;
    Content content(shape, len, 5, /*k_size=*/3.0f);
    Batch prefill(shape, 1);
    prefill.Add(content, {len, len});
    const std::vector<Bf16> whole = prefill.Run(table());
    for (const int32_t chunk : {1, 13, 64, 128}) {
      for (int32_t begin = 0; begin < len; begin += chunk) {
        const int32_t end = std::min(len, begin + chunk);
        Batch step(shape, 100 + begin);
        step.Add(content, {end - begin, end});
        const std::vector<Bf16> part = step.Run(table());
        ASSERT_TRUE(SameBits(part.data(), whole.data() + begin * step.row_length(),
                             static_cast<int64_t>(part.size())))
            << "d " << shape.d << " chunk " << chunk << " begin " << begin;
      }
    }
  }
}

TEST_P(PagedAttention, BitsDoNotDependOnNeighboursOrPages) {
  for (const AttnTestShape& shape : InvariantShapes(table())) {
    Content mine(shape, 290, 5);
    Content other(shape, 500, 6, /*k_size=*/5.0f);
    Batch alone(shape, 1);
    alone.Add(mine, {35, 290});
    const std::vector<Bf16> want = alone.Run(table());
    AttnTestShape longer_pages = shape;
    longer_pages.page_len = 64;
    for (const AttnTestShape& s : {shape, longer_pages}) {
      Batch mixed(s, 2);
      mixed.Add(other, {1, 500});
      mixed.Add(mine, {35, 290});
      mixed.Add(other, {90, 123});
      const std::vector<Bf16> out = mixed.Run(table());
      EXPECT_TRUE(
          SameBits(out.data() + mixed.OutBegin(1), want.data(), static_cast<int64_t>(want.size())))
          << "d " << s.d << " page_len " << s.page_len;
    }
  }
}

TEST_P(PagedAttention, BitsDoNotDependOnTheNumberOfThreads) {
  const AttnTestShape shape{8, 4, 64};
  Content content(shape, 333, 5);
  Batch batch(shape, 1);
  batch.Add(content, {100, 333});
  for (int i = 0; i < 5; ++i) batch.Add(content, {1, 50 + 60 * i});
  const std::vector<Bf16> want = batch.Run(table());
  for (const int32_t threads : {1, 2, 3, 5}) {
    ThreadPool pool({.num_threads = threads, .pin = false});
    EXPECT_TRUE(SameBits(batch.Run(table(), batch.Direct(16), &pool), want)) << threads;
  }
}

// Offsets beyond 2^31 elements: the last page of a pool of 4.3 GiB, of which little is touched.
TEST_P(PagedAttention, LargePools) {
  const int64_t page_elements = int64_t{16} * 8 * 128;
  const int64_t page = (int64_t{1} << 31) / page_elements + 10;
  const auto k = Buffer::Allocate((page + 1) * page_elements * 2);
  const auto v = Buffer::Allocate((page + 1) * page_elements * 2);
  if (!k || !v) GTEST_SKIP() << "no address space";
  const std::vector<Bf16> q = RandomBf16(16 * 128, 1);
  for (int64_t i = 0; i < page_elements; ++i) {
    v->as<Bf16>()[page * page_elements + i] = ToBf16(4.0f);
  }
  std::vector<Bf16> out(q.size(), kPoison);
  const int32_t row_begin[] = {0, 1};
  const int32_t kv_len[] = {16};
  const auto page_id = static_cast<int32_t>(page);
  const int32_t page_begin[] = {0, 1};
  const AttnItem items[] = {
      {.seq = 0, .kv_head = 0, .q_begin = 0, .q_end = 1, .kv_end = 16, .merge = -1},
      {.seq = 0, .kv_head = 7, .q_begin = 0, .q_end = 1, .kv_end = 16, .merge = -1}};
  table().paged_attention(
      {.q = q.data(),
       .out = out.data(),
       .kv = {k->data(), v->data(), nullptr, nullptr, KvDType::kBf16, 8, 128, 16},
       .num_q_heads = 16,
       .scale = 0.1f,
       .row_begin = row_begin,
       .kv_len = kv_len,
       .pages = &page_id,
       .page_begin = page_begin,
       .work = {.items = items, .num_items = 2}},
      {});
  EXPECT_EQ(ToFloat(out[0]), 4.0f);
  EXPECT_EQ(ToFloat(out.back()), 4.0f);
}

}  // namespace
}  // namespace weir
