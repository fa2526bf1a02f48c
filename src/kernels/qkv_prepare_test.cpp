// SPDX-License-Identifier: Apache-2.0
#include "kernels/qkv_prepare.h"

#include "base/thread_pool.h"
#include "kernels/kernel_test_util.h"

namespace weir {
namespace {

struct Shape {
  int32_t hq;
  int32_t hkv;
  int32_t d;
  int32_t rope_dim;
  bool norm = true;
  int32_t page_len = 16;
};

constexpr int32_t kMaxPosition = 300;
constexpr int32_t kNumPages = 12;

// One call's inputs, and pages as they were before it.
struct Inputs {
  Shape shape;
  int32_t rows;
  std::vector<float> qkv, q_norm, k_norm, cos_sin;
  std::vector<int32_t> positions, kv_slot;
  std::vector<Bf16> k, v;

  Inputs(const Shape& s, std::vector<int32_t> slots, uint32_t seed)
      : shape(s),
        rows(static_cast<int32_t>(slots.size())),
        qkv(RandomFloats(int64_t{rows} * row_length(), seed, 2.0f)),
        q_norm(RandomFloats(s.d, seed + 1)),
        k_norm(RandomFloats(s.d, seed + 2)),
        cos_sin(kMaxPosition * s.rope_dim + 1),
        kv_slot(std::move(slots)),
        k(int64_t{kNumPages} * s.hkv * s.page_len * s.d, kPoison),
        v(k) {
    for (int32_t p = 0; p < kMaxPosition; ++p) {
      const int32_t half = s.rope_dim / 2;
      for (int32_t i = 0; i < half; ++i) {
        const double angle = p * std::pow(10000.0, -double(i) / half);
        cos_sin[p * s.rope_dim + i] = static_cast<float>(std::cos(angle));
        cos_sin[p * s.rope_dim + half + i] = static_cast<float>(std::sin(angle));
      }
    }
    for (int32_t r = 0; r < rows; ++r) positions.push_back((r * 37 + 5) % kMaxPosition);
  }
  int64_t row_length() const { return (int64_t{shape.hq} + 2 * shape.hkv) * shape.d; }
};

struct Outputs {
  std::vector<Bf16> q, k, v;
};

Outputs Prepare(const KernelTable& table, const Inputs& in, ThreadPool* pool = nullptr) {
  Outputs out{std::vector<Bf16>(int64_t{in.rows} * in.shape.hq * in.shape.d + 1, kPoison), in.k,
              in.v};
  table.qkv_prepare({.qkv = in.qkv.data(),
                     .rows = in.rows,
                     .num_q_heads = in.shape.hq,
                     .q_norm = in.shape.norm ? in.q_norm.data() : nullptr,
                     .k_norm = in.shape.norm ? in.k_norm.data() : nullptr,
                     .eps = 1e-6f,
                     .cos_sin = in.cos_sin.data(),
                     .rope_dim = in.shape.rope_dim,
                     .positions = in.positions.data(),
                     .kv_slot = in.kv_slot.data(),
                     .kv = {out.k.data(), out.v.data(), nullptr, nullptr, KvDType::kBf16,
                            in.shape.hkv, in.shape.d, in.shape.page_len},
                     .q_out = out.q.data()},
                    {.pool = pool});
  EXPECT_EQ(out.q.back().bits, kPoison.bits) << "wrote beyond the end of q";
  return out;
}

bool SameBits(const Outputs& a, const Outputs& b) {
  return weir::SameBits(a.q, b.q) && weir::SameBits(a.k, b.k) && weir::SameBits(a.v, b.v);
}

std::vector<int32_t> Slots(int32_t first, int32_t count) {
  std::vector<int32_t> slots(count);
  for (int32_t i = 0; i < count; ++i) slots[i] = first + i;
  return slots;
}

std::vector<int32_t> operator+(std::vector<int32_t> a, const std::vector<int32_t>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class QkvPrepare : public KernelTest {};
WEIR_FOR_ALL_TABLES(QkvPrepare);

const Shape kShapes[] = {
    {1, 1, 2, 2},              // the smallest there is
    {16, 8, 128, 128},         // Qwen3-0.6B
    {4, 1, 64, 64, false},     // no norm of heads
    {3, 3, 80, 80, true, 32},  // half a rotation is 40: whole vectors and a part
    {2, 2, 96, 32, true, 64},  // partial rotation
    {2, 1, 10, 6, false},      // half a rotation is odd
    {6, 2, 112, 0},            // no rotation
    {2, 1, 256, 256},
    {1, 1, 4096, 64, true, 16},  // the largest head
};

// A head's norm in double precision, then its rotation: the definition, not the reference's code.
std::vector<double> Head(const Inputs& in, int32_t r, int32_t head) {
  const Shape& s = in.shape;
  const float* x = in.qkv.data() + r * in.row_length() + int64_t{head} * s.d;
  std::vector<double> y(x, x + s.d);
  if (head >= s.hq + s.hkv) return y;  // a value passes as it is
  if (s.norm) {
    const std::vector<float>& norm = head < s.hq ? in.q_norm : in.k_norm;
    double sum = 0;
    for (const double value : y) sum += value * value;
    for (int32_t i = 0; i < s.d; ++i) y[i] *= norm[i] / std::sqrt(sum / s.d + double{1e-6f});
  }
  const float* cosines = in.cos_sin.data() + int64_t{in.positions[r]} * s.rope_dim;
  const int32_t half = s.rope_dim / 2;
  for (int32_t i = 0; i < half; ++i) {
    const double a = y[i];
    const double b = y[i + half];
    y[i] = a * cosines[i] - b * cosines[half + i];
    y[i + half] = b * cosines[i] + a * cosines[half + i];
  }
  return y;
}

// bf16 rounds by 2^-9. A rotation may cancel; then what counts is f32's error of the terms, at most
// some 2^-21 of the largest element.
void ExpectHead(const std::vector<double>& want, const std::vector<Bf16>& got) {
  double largest = 0;
  for (const double value : want) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < want.size(); ++i) {
    ASSERT_NEAR(ToFloat(got[i]), want[i], std::abs(want[i]) / 256 + largest / (1 << 20)) << i;
  }
}

TEST_P(QkvPrepare, NormsRotatesAndAppends) {
  for (const Shape& s : kShapes) {
    SCOPED_TRACE(testing::Message() << "heads " << s.hq << "/" << s.hkv << " d " << s.d);
    // Two sequences and a row that is not stored; the first begins a page, crosses into the next.
    const std::vector<int32_t> slots =
        Slots(3 * s.page_len, s.page_len + 3) + std::vector<int32_t>{-1} + Slots(9 * s.page_len, 2);
    const Inputs in(s, slots, 3);
    const Outputs out = Prepare(table(), in);
    for (int32_t r = 0; r < in.rows; ++r) {
      for (int32_t h = 0; h < s.hq; ++h) {
        const auto at = out.q.begin() + (int64_t{r} * s.hq + h) * s.d;
        ExpectHead(Head(in, r, h), {at, at + s.d});
      }
      const int32_t t = slots[r] % s.page_len;
      for (int32_t h = 0; slots[r] >= 0 && h < s.hkv; ++h) {
        const int64_t page = (int64_t{slots[r] / s.page_len} * s.hkv + h) * s.page_len * s.d;
        std::vector<Bf16> k(s.d), v(s.d);
        for (int32_t i = 0; i < s.d; ++i) {
          k[i] = out.k[page + ((t / 16 * (s.d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2];
          v[i] = out.v[page + (int64_t{t / 2} * s.d + i) * 2 + t % 2];
        }
        ExpectHead(Head(in, r, s.hq + h), k);
        ExpectHead(Head(in, r, s.hq + s.hkv + h), v);
      }
      if (HasFatalFailure()) return;
    }
  }
}

// Elsewhere nothing changes, but for the values of a page that is begun: those become zero.
TEST_P(QkvPrepare, TouchesItsSlotsOnly) {
  for (const Shape& s : kShapes) {
    const Inputs in(s, Slots(2 * s.page_len + 5, s.page_len), 3);  // ends page 2, begins page 3
    const Outputs out = Prepare(table(), in);
    for (int32_t page = 0; page < kNumPages; ++page) {
      for (int32_t h = 0; h < s.hkv; ++h) {
        const int64_t base = (int64_t{page} * s.hkv + h) * s.page_len * s.d;
        for (int32_t t = 0; t < s.page_len; ++t) {
          const int32_t slot = page * s.page_len + t;
          if (slot >= in.kv_slot.front() && slot <= in.kv_slot.back()) continue;
          for (int32_t i = 0; i < s.d; ++i) {
            const int64_t k_at = base + ((t / 16 * (s.d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2;
            const int64_t v_at = base + (int64_t{t / 2} * s.d + i) * 2 + t % 2;
            ASSERT_EQ(out.k[k_at].bits, kPoison.bits) << page << " " << t;
            ASSERT_EQ(out.v[v_at].bits, page == 3 ? 0 : kPoison.bits) << page << " " << t;
          }
        }
      }
    }
  }
}

// Writing either token of a pair leaves the other as it is.
TEST_P(QkvPrepare, RewritingATokenKeepsItsNeighbours) {
  for (const int32_t t : {1, 2, 3, 14, 15}) {
    const Shape s{2, 1, 18, 6};
    Inputs in(s, {t}, 3);
    const Outputs before = Prepare(table(), Inputs(s, Slots(0, 16), 4));
    in.k = before.k;
    in.v = before.v;
    const Outputs after = Prepare(table(), in);
    for (int32_t u = 0; u < 16; ++u) {
      for (int32_t i = 0; i < s.d; ++i) {
        const int64_t at = (int64_t{u / 2} * s.d + i) * 2 + u % 2;
        ASSERT_TRUE(u == t || after.v[at].bits == before.v[at].bits) << t << " " << u << " " << i;
      }
    }
  }
}

// However the rows are spread over steps and threads, pages and queries hold the same bits.
TEST_P(QkvPrepare, BitsDoNotDependOnBatchOrThreads) {
  for (const Shape& s : kShapes) {
    const std::vector<int32_t> slots = Slots(7, 40) + Slots(5 * s.page_len, 1) +
                                       Slots(6 * s.page_len + 9, 1) +
                                       Slots(8 * s.page_len, 2 * s.page_len + 1);
    const Inputs in(s, slots, 3);
    const Outputs want = Prepare(table(), in);
    for (const int32_t threads : {1, 2, 3, 5, 16}) {
      ThreadPool pool({.num_threads = threads, .pin = false});
      EXPECT_TRUE(SameBits(Prepare(table(), in, &pool), want)) << "d " << s.d << " " << threads;
    }
    Inputs row(s, {0}, 3);
    for (int32_t r = 0; r < in.rows; ++r) {
      row.qkv.assign(in.qkv.begin() + r * in.row_length(),
                     in.qkv.begin() + (r + 1) * in.row_length());
      row.positions[0] = in.positions[r];
      row.kv_slot[0] = in.kv_slot[r];
      const Outputs out = Prepare(table(), row);
      row.k = out.k;
      row.v = out.v;
      ASSERT_TRUE(weir::SameBits(out.q.data(), want.q.data() + int64_t{r} * s.hq * s.d,
                                 int64_t{s.hq} * s.d));
    }
    EXPECT_TRUE(weir::SameBits(row.k, want.k) && weir::SameBits(row.v, want.v)) << "d " << s.d;
  }
}

TEST_P(QkvPrepare, NoRows) {
  const Inputs in({2, 1, 16, 16}, {}, 3);
  EXPECT_TRUE(weir::SameBits(Prepare(table(), in).k, in.k));
}

}  // namespace
}  // namespace weir
