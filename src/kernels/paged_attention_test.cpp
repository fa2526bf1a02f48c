// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <numeric>

#include "base/thread_pool.h"
#include "kernels/count_allocations.h"
#include "kernels/kernel_test_util.h"
#include "tensor/buffer.h"

namespace weir {
namespace {

struct Sequence {
  int32_t q_len;
  int32_t kv_len;
};

struct Shape {
  int32_t hq;
  int32_t hkv;
  int32_t d;
  int32_t page_len = 16;
};

// Queries, keys and values by position, as a model thinks of them; Batch puts them into pages.
struct Content {
  Shape shape;
  int32_t kv_len;
  std::vector<Bf16>
      q;  // [kv_len, hq, d]: a query for every position, of which batches use the last
  std::vector<Bf16> k;  // [kv_len, hkv, d]
  std::vector<Bf16> v;

  Content(const Shape& s, int32_t len, uint32_t seed, float k_scale = 1.0f)
      : shape(s),
        kv_len(len),
        q(RandomBf16(int64_t{len} * s.hq * s.d, seed)),
        k(RandomBf16(int64_t{len} * s.hkv * s.d, seed + 1000, k_scale)),
        v(RandomBf16(int64_t{len} * s.hkv * s.d, seed + 2000)) {}
};

// One call: the sequences' last q_len positions are new. Pages are shuffled; pages of nobody and
// the tails of keys hold NaN, the tails of values zero, and so does `out` until it is written.
class Batch {
 public:
  Batch(const Shape& shape, uint32_t seed, Bf16 poison = kPoison)
      : shape_(shape), random_(seed), poison_(poison) {}

  // The first `kv_len` positions of `content`, the last `q_len` of them new.
  void Add(const Content& content, Sequence seq) {
    contents_.push_back(&content);
    seqs_.push_back(seq);
  }

  // Items of at most `rows` query rows, or of one call per sequence and head.
  std::vector<AttnItem> Items(int32_t rows) const {
    std::vector<AttnItem> items;
    for (int32_t seq = 0; seq < static_cast<int32_t>(seqs_.size()); ++seq) {
      for (int32_t head = 0; head < shape_.hkv; ++head) {
        for (int32_t begin = 0; begin < seqs_[seq].q_len; begin += rows) {
          items.push_back({seq, head, begin, std::min(seqs_[seq].q_len, begin + rows)});
        }
      }
    }
    return items;
  }

  std::vector<Bf16> Run(const KernelTable& table, const std::vector<AttnItem>& items,
                        ThreadPool* pool = nullptr) {
    if (q_.empty()) Place();
    std::vector<Bf16> out(q_.size(), kPoison);
    table.paged_attention({.q = q_.data(),
                           .out = out.data(),
                           .kv = {k_.data(), v_.data(), shape_.hkv, shape_.d, shape_.page_len},
                           .num_q_heads = shape_.hq,
                           .scale = scale(),
                           .row_begin = row_begin_.data(),
                           .kv_len = kv_len_.data(),
                           .pages = pages_.data(),
                           .page_begin = page_begin_.data(),
                           .items = items.data(),
                           .num_items = static_cast<int32_t>(items.size())},
                          {.pool = pool});
    return out;
  }
  std::vector<Bf16> Run(const KernelTable& table) { return Run(table, Items(1 << 30)); }

  float scale() const { return 1.0f / std::sqrt(static_cast<float>(shape_.d)); }
  int64_t row_length() const { return int64_t{shape_.hq} * shape_.d; }
  // Of the sequence's first new row in `out`, in elements.
  int64_t OutBegin(int32_t seq) const { return row_begin_[seq] * row_length(); }

 private:
  void Place();

  Shape shape_;
  std::mt19937 random_;
  Bf16 poison_;
  std::vector<const Content*> contents_;
  std::vector<Sequence> seqs_;
  std::vector<Bf16> q_, k_, v_;
  std::vector<int32_t> row_begin_{0}, kv_len_, pages_, page_begin_{0};
};

void Batch::Place() {
  for (size_t i = 0; i < seqs_.size(); ++i) {
    const Sequence& seq = seqs_[i];
    const Bf16* q = contents_[i]->q.data() + (seq.kv_len - seq.q_len) * row_length();
    q_.insert(q_.end(), q, q + seq.q_len * row_length());
    row_begin_.push_back(row_begin_.back() + seq.q_len);
    kv_len_.push_back(seq.kv_len);
    page_begin_.push_back(page_begin_.back() +
                          (seq.kv_len + shape_.page_len - 1) / shape_.page_len);
  }
  const int32_t num_pages = page_begin_.back() + 5;
  pages_.resize(num_pages);
  std::iota(pages_.begin(), pages_.end(), 0);
  std::shuffle(pages_.begin(), pages_.end(), random_);
  const int64_t s = shape_.page_len;
  const int64_t d = shape_.d;
  k_.assign(num_pages * s * shape_.hkv * d, poison_);
  v_.assign(num_pages * s * shape_.hkv * d, poison_);
  for (size_t i = 0; i < seqs_.size(); ++i) {
    for (int32_t p = page_begin_[i]; p < page_begin_[i + 1]; ++p) {
      for (int32_t head = 0; head < shape_.hkv; ++head) {
        const int64_t page = (int64_t{pages_[p]} * shape_.hkv + head) * s * d;
        std::fill_n(v_.begin() + page, s * d, Bf16{0});
        for (int64_t t = 0; t < s; ++t) {
          const int64_t position = (p - page_begin_[i]) * s + t;
          if (position >= seqs_[i].kv_len) break;
          const int64_t from = (position * shape_.hkv + head) * d;
          for (int64_t j = 0; j < d; ++j) {
            k_[page + ((t / 16 * (d / 2) + j / 2) * 16 + t % 16) * 2 + j % 2] =
                contents_[i]->k[from + j];
            v_[page + (t / 2 * d + j) * 2 + t % 2] = contents_[i]->v[from + j];
          }
        }
      }
    }
  }
}

// What a row's head should be, in double precision and from `content` itself, and how far rounding
// the softmax weights may move it.
struct Expected {
  std::vector<double> mean;
  std::vector<double> spread;  // sqrt(sum over tokens of (weight * value)^2)
};

Expected Attend(const Content& content, int32_t position, int32_t head, float scale) {
  const Shape& s = content.shape;
  const int32_t kv_head = head / (s.hq / s.hkv);
  const Bf16* q = content.q.data() + (int64_t{position} * s.hq + head) * s.d;
  std::vector<double> weight(position + 1);
  for (int32_t t = 0; t <= position; ++t) {
    const Bf16* k = content.k.data() + (int64_t{t} * s.hkv + kv_head) * s.d;
    for (int32_t i = 0; i < s.d; ++i) weight[t] += double{ToFloat(q[i])} * ToFloat(k[i]);
    weight[t] *= scale;
  }
  const double largest = *std::max_element(weight.begin(), weight.end());
  double sum = 0;
  for (double& w : weight) sum += w = std::exp(w - largest);
  Expected expected{std::vector<double>(s.d), std::vector<double>(s.d)};
  for (int32_t t = 0; t <= position; ++t) {
    const Bf16* v = content.v.data() + (int64_t{t} * s.hkv + kv_head) * s.d;
    for (int32_t i = 0; i < s.d; ++i) {
      const double term = weight[t] / sum * ToFloat(v[i]);
      expected.mean[i] += term;
      expected.spread[i] += term * term;
    }
  }
  for (double& spread : expected.spread) spread = std::sqrt(spread);
  return expected;
}

// The output is rounded to bf16 (2^-9 relative), and each weight may be (2^-9 each, independent of
// one another: their errors add up like `spread`, of which four times is beyond chance). Scores are
// sums in f32, whose error is far below either.
void ExpectRow(const Content& content, int32_t position, float scale, const Bf16* out) {
  const Shape& s = content.shape;
  for (int32_t head = 0; head < s.hq; ++head) {
    const Expected want = Attend(content, position, head, scale);
    for (int32_t i = 0; i < s.d; ++i) {
      const double bound = std::abs(want.mean[i]) / 256 + want.spread[i] / 128 + 1e-30;
      const double got = ToFloat(out[int64_t{head} * s.d + i]);
      ASSERT_NEAR(got, want.mean[i], bound)
          << "position " << position << " head " << head << " dim " << i;
    }
  }
}

class PagedAttention : public KernelTest {};
WEIR_FOR_ALL_TABLES(PagedAttention);

struct Case {
  Shape shape;
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
    SCOPED_TRACE(testing::Message() << "heads " << c.shape.hq << "/" << c.shape.hkv << " d "
                                    << c.shape.d << " page_len " << c.shape.page_len);
    std::vector<std::unique_ptr<Content>> contents;
    Batch batch(c.shape, 1);
    for (const Sequence& seq : c.seqs) {
      contents.push_back(std::make_unique<Content>(c.shape, seq.kv_len, contents.size()));
      batch.Add(*contents.back(), seq);
    }
    const std::vector<Bf16> out = batch.Run(table());
    for (size_t i = 0; i < c.seqs.size(); ++i) {
      const Sequence& seq = c.seqs[i];
      for (int32_t r = 0; r < seq.q_len; ++r) {
        const Bf16* row =
            out.data() + batch.OutBegin(static_cast<int32_t>(i)) + r * batch.row_length();
        ExpectRow(*contents[i], seq.kv_len - seq.q_len + r, batch.scale(), row);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Large keys make one token take all the weight, and rescaling by tiny factors common.
TEST_P(PagedAttention, PeakedSoftmaxPicksOneToken) {
  const Shape shape{2, 1, 64};
  Content content(shape, 300, 7, /*k_scale=*/400.0f);
  Batch batch(shape, 1);
  batch.Add(content, {300, 300});
  const std::vector<Bf16> out = batch.Run(table());
  for (int32_t r = 0; r < 300; ++r) {
    ExpectRow(content, r, batch.scale(), out.data() + r * batch.row_length());
    if (HasFatalFailure()) return;
  }
}

TEST_P(PagedAttention, EqualScoresGiveTheExactMean) {
  const Shape shape{4, 2, 80};
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
  const Shape shape{3, 1, 32};
  Content content(shape, 333, 3);
  std::fill(content.v.begin(), content.v.end(), ToBf16(-1.5f));
  Batch batch(shape, 1);
  batch.Add(content, {50, 333});
  for (const Bf16 x : batch.Run(table())) ASSERT_EQ(ToFloat(x), -1.5f);
}

TEST_P(PagedAttention, FirstTokenSeesItselfOnly) {
  const Shape shape{4, 2, 112};
  Content content(shape, 9, 3);
  Batch batch(shape, 1);
  batch.Add(content, {9, 9});
  const std::vector<Bf16> out = batch.Run(table());
  for (int32_t head = 0; head < 4; ++head) {
    EXPECT_TRUE(SameBits(out.data() + head * 112, content.v.data() + head / 2 * 112, 112));
  }
}

TEST_P(PagedAttention, UnseenMemoryDoesNotMatter) {
  const Shape shape{6, 2, 96, 32};
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
  const Shape shape{4, 2, 64};
  Content content(shape, 40, 3);
  Batch batch(shape, 1);
  batch.Add(content, {10, 40});
  const std::vector<Bf16> all = batch.Run(table());
  const std::vector<Bf16> some = batch.Run(table(), {{0, 1, 3, 5}});
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
  const Shape shape{4, 2, 64};
  Content content(shape, 140, 3);
  Batch batch(shape, 1);
  batch.Add(content, {100, 140});
  ThreadPool pool({.num_threads = 2, .pin = false});
  const std::vector<AttnItem> items = batch.Items(16);
  batch.Run(table(), items, &pool);
  const int64_t before = NumAllocations();
  batch.Run(table(), items, &pool);
  EXPECT_EQ(NumAllocations() - before, 1) << "the test's own output is one";
}

TEST_P(PagedAttention, NoItemsNoWork) {
  const Shape shape{4, 2, 64};
  Content content(shape, 4, 3);
  Batch batch(shape, 1);
  batch.Add(content, {1, 4});
  for (const Bf16 x : batch.Run(table(), {})) ASSERT_EQ(x.bits, kPoison.bits);
  for (const Bf16 x : batch.Run(table(), {{0, 1, 1, 1}})) ASSERT_EQ(x.bits, kPoison.bits);
}

// One and two query heads to a KV head, up to sixteen, so that strips of all sizes are met. The
// reference treats every row by itself, slowly: one small shape will do.
std::vector<Shape> InvariantShapes(const KernelTable& table) {
  if (table.paged_attention == kReferenceKernels.paged_attention) return {{2, 1, 18}};
  return {{16, 8, 128}, {32, 8, 128, 32}, {5, 1, 80}, {16, 1, 64}, {3, 3, 256}, {2, 1, 18}};
}

TEST_P(PagedAttention, BitsDoNotDependOnTheCutIntoItems) {
  for (const Shape& shape : InvariantShapes(table())) {
    Content content(shape, 290, 5);
    Batch batch(shape, 1);
    batch.Add(content, {170, 290});
    const std::vector<Bf16> whole = batch.Run(table());
    for (const int32_t rows : {1, 2, 3, 7, 16, 33, 64, 100}) {
      EXPECT_TRUE(SameBits(batch.Run(table(), batch.Items(rows)), whole))
          << "d " << shape.d << " rows " << rows;
    }
  }
}

// The prompt in one step, in chunks, or token by token: the same bits for every position.
TEST_P(PagedAttention, DecodeGivesTheBitsOfPrefill) {
  for (const Shape& shape : InvariantShapes(table())) {
    const int32_t len = 150;
    Content content(shape, len, 5, /*k_scale=*/3.0f);
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
  for (const Shape& shape : InvariantShapes(table())) {
    Content mine(shape, 290, 5);
    Content other(shape, 500, 6, /*k_scale=*/5.0f);
    Batch alone(shape, 1);
    alone.Add(mine, {35, 290});
    const std::vector<Bf16> want = alone.Run(table());
    Shape longer_pages = shape;
    longer_pages.page_len = 64;
    for (const Shape& s : {shape, longer_pages}) {
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
  const Shape shape{8, 4, 64};
  Content content(shape, 333, 5);
  Batch batch(shape, 1);
  batch.Add(content, {100, 333});
  for (int i = 0; i < 5; ++i) batch.Add(content, {1, 50 + 60 * i});
  const std::vector<Bf16> want = batch.Run(table());
  for (const int32_t threads : {1, 2, 3, 5}) {
    ThreadPool pool({.num_threads = threads, .pin = false});
    EXPECT_TRUE(SameBits(batch.Run(table(), batch.Items(16), &pool), want)) << threads;
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
  const AttnItem items[] = {{0, 0, 0, 1}, {0, 7, 0, 1}};
  table().paged_attention({.q = q.data(),
                           .out = out.data(),
                           .kv = {k->as<Bf16>(), v->as<Bf16>(), 8, 128, 16},
                           .num_q_heads = 16,
                           .scale = 0.1f,
                           .row_begin = row_begin,
                           .kv_len = kv_len,
                           .pages = &page_id,
                           .page_begin = page_begin,
                           .items = items,
                           .num_items = 2},
                          {});
  EXPECT_EQ(ToFloat(out[0]), 4.0f);
  EXPECT_EQ(ToFloat(out.back()), 4.0f);
}

}  // namespace
}  // namespace weir
