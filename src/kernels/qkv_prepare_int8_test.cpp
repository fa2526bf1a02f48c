// SPDX-License-Identifier: Apache-2.0
//
// Appending to int8 pages. What int8 does not change is tested in qkv_prepare_test.cpp.
#include <functional>

#include "base/thread_pool.h"
#include "kernels/kernel_test_util.h"
#include "kernels/qkv_prepare.h"

namespace weir {
namespace {

constexpr int32_t kNumPages = 6;
constexpr int8_t kPoisonByte = -128;  // no kernel writes it

struct Shape {
  int32_t hq;
  int32_t hkv;
  int32_t d;
  int32_t page_len = 16;
};

struct Pages {
  Shape shape;
  std::vector<int8_t> k, v;
  std::vector<float> k_scale, v_scale;

  explicit Pages(const Shape& s)
      : shape(s),
        k(int64_t{kNumPages} * s.hkv * s.page_len * s.d, kPoisonByte),
        v(k),
        k_scale(int64_t{kNumPages} * s.hkv * s.page_len, kNaN),
        v_scale(k_scale) {}
  KvPages view() {
    return {k.data(),       v.data(),  k_scale.data(), v_scale.data(),
            KvDType::kInt8, shape.hkv, shape.d,        shape.page_len};
  }
  int64_t Place(int32_t slot, int32_t head) const {
    const int32_t s = shape.page_len;
    return (int64_t{slot / s} * shape.hkv + head) * s + slot % s;
  }
  int8_t Key(int32_t slot, int32_t head, int32_t i) const {
    const int32_t t = slot % shape.page_len;
    const int64_t page = (Place(slot, head) - t) * shape.d;
    return k[page + ((t / 16 * (shape.d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2];
  }
  int8_t Value(int32_t slot, int32_t head, int32_t i) const {
    const int32_t t = slot % shape.page_len;
    return v[(Place(slot, head) - t) * shape.d + (int64_t{t / 2} * shape.d + i) * 2 + t % 2];
  }
  friend bool operator==(const Pages& a, const Pages& b) {
    return a.k == b.k && a.v == b.v && SameBits(a.k_scale, b.k_scale) &&
           SameBits(a.v_scale, b.v_scale);
  }
};

class QkvPrepareInt8 : public KernelTest {
 protected:
  // No norm and no rotation: what is stored is the product itself.
  void Append(Pages& pages, const std::vector<float>& qkv, const std::vector<int32_t>& slots,
              ThreadPool* pool = nullptr) {
    const Shape& s = pages.shape;
    const std::vector<int32_t> positions(slots.size(), 0);
    const float cos_sin = 0;
    std::vector<Bf16> q(slots.size() * s.hq * s.d);
    table().qkv_prepare({.qkv = qkv.data(),
                         .rows = static_cast<int32_t>(slots.size()),
                         .num_q_heads = s.hq,
                         .cos_sin = &cos_sin,
                         .positions = positions.data(),
                         .kv_slot = slots.data(),
                         .kv = pages.view(),
                         .q_out = q.data()},
                        {.pool = pool});
  }
};
WEIR_FOR_ALL_TABLES(QkvPrepareInt8);

const Shape kShapes[] = {{1, 1, 2},  {4, 2, 64},      {3, 3, 80, 32},
                         {2, 1, 18}, {8, 2, 128, 48}, {1, 1, 4096}};

int64_t RowLength(const Shape& s) { return int64_t{s.hq + 2 * s.hkv} * s.d; }

// Rounding moves by half a scale; the arithmetic before it by a little.
void ExpectHead(const float* x, int32_t d, float scale, const std::function<int8_t(int32_t)>& got) {
  float largest = 0;
  for (int32_t i = 0; i < d; ++i) largest = std::max(largest, std::abs(x[i]));
  ASSERT_NEAR(scale, largest / 127, largest * 1e-7f);
  for (int32_t i = 0; i < d; ++i) {
    ASSERT_NEAR(got(i) * scale, x[i], 0.5001f * scale) << i;
    ASSERT_TRUE(std::abs(x[i]) < largest || std::abs(got(i)) == 127) << i;
  }
}

TEST_P(QkvPrepareInt8, StoresWholeNumbersAndScales) {
  for (const Shape& s : kShapes) {
    std::vector<int32_t> slots;
    for (int32_t i = 0; i < s.page_len + 3; ++i) slots.push_back(s.page_len + i);
    slots.push_back(4 * s.page_len + 7);
    const auto rows = static_cast<int64_t>(slots.size());
    std::vector<float> qkv = RandomFloats(rows * RowLength(s), 3, 2.0f);
    // Rows of very different sizes have scales of their own.
    for (int64_t i = 0; i < RowLength(s); ++i) qkv[RowLength(s) + i] *= 1e6f;
    for (int64_t i = 0; i < RowLength(s); ++i) qkv[2 * RowLength(s) + i] *= 1e-9f;
    Pages pages(s);
    Append(pages, qkv, slots);
    for (int64_t r = 0; r < rows; ++r) {
      for (int32_t h = 0; h < s.hkv; ++h) {
        const float* k = qkv.data() + r * RowLength(s) + (s.hq + h) * s.d;
        const int64_t place = pages.Place(slots[r], h);
        ExpectHead(k, s.d, pages.k_scale[place],
                   [&](int32_t i) { return pages.Key(slots[r], h, i); });
        ExpectHead(k + s.hkv * s.d, s.d, pages.v_scale[place],
                   [&](int32_t i) { return pages.Value(slots[r], h, i); });
        if (HasFatalFailure()) FAIL() << "d " << s.d << " row " << r;
      }
    }
  }
}

TEST_P(QkvPrepareInt8, AHeadOfNextToNothingIsZero) {
  const Shape s{1, 1, 18};
  for (const float size : {0.0f, 1e-31f, 1e-44f}) {
    Pages pages(s);
    Append(pages, std::vector<float>(RowLength(s), size), {3});
    EXPECT_EQ(pages.k_scale[3], 0.0f);
    EXPECT_EQ(pages.v_scale[3], 0.0f);
    for (int32_t i = 0; i < s.d; ++i) {
      EXPECT_EQ(pages.Key(3, 0, i), 0);
      EXPECT_EQ(pages.Value(3, 0, i), 0);
    }
  }
}

// Elsewhere nothing changes, but in a page that is begun: its values and both scales become zero.
TEST_P(QkvPrepareInt8, TouchesItsSlotsOnly) {
  for (const Shape& s : kShapes) {
    Pages pages(s);
    std::vector<int32_t> slots;  // ends page 2, begins page 3
    for (int32_t i = 5; i < s.page_len + 5; ++i) slots.push_back(2 * s.page_len + i);
    Append(pages, RandomFloats(static_cast<int64_t>(slots.size()) * RowLength(s), 3), slots);
    for (int32_t slot = 0; slot < kNumPages * s.page_len; ++slot) {
      if (slot >= slots.front() && slot <= slots.back()) continue;
      const bool begun = slot / s.page_len == 3;
      for (int32_t h = 0; h < s.hkv; ++h) {
        const int64_t place = pages.Place(slot, h);
        ASSERT_TRUE(begun ? pages.k_scale[place] == 0 : std::isnan(pages.k_scale[place])) << slot;
        ASSERT_TRUE(begun ? pages.v_scale[place] == 0 : std::isnan(pages.v_scale[place])) << slot;
        for (int32_t i = 0; i < s.d; ++i) {
          ASSERT_EQ(pages.Key(slot, h, i), kPoisonByte) << slot;
          ASSERT_EQ(pages.Value(slot, h, i), begun ? 0 : kPoisonByte) << slot;
        }
      }
    }
  }
}

TEST_P(QkvPrepareInt8, BitsDoNotDependOnBatchOrThreads) {
  for (const Shape& s : kShapes) {
    std::vector<int32_t> slots;
    for (int32_t i = 0; i < 3 * s.page_len; ++i) slots.push_back(s.page_len + i);
    const std::vector<float> qkv =
        RandomFloats(static_cast<int64_t>(slots.size()) * RowLength(s), 3);
    Pages want(s);
    Append(want, qkv, slots);
    for (const int32_t threads : {2, 3, 5}) {
      ThreadPool pool({.num_threads = threads, .pin = false});
      Pages pages(s);
      Append(pages, qkv, slots, &pool);
      EXPECT_TRUE(pages == want) << "d " << s.d << " threads " << threads;
    }
    Pages pages(s);
    for (size_t r = 0; r < slots.size(); ++r) {
      const auto row = qkv.begin() + static_cast<int64_t>(r) * RowLength(s);
      Append(pages, {row, row + RowLength(s)}, {slots[r]});
    }
    EXPECT_TRUE(pages == want) << "d " << s.d;
  }
}

}  // namespace
}  // namespace weir
