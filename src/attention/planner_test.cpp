// SPDX-License-Identifier: Apache-2.0
#include "attention/planner.h"

#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace weir {
namespace {

struct Batch {
  std::vector<int32_t> row_begin = {0};
  std::vector<int32_t> kv_len;
  void Add(int32_t q_len, int32_t cached) {
    row_begin.push_back(row_begin.back() + q_len);
    kv_len.push_back(q_len + cached);
  }
};

int64_t Work(const Batch& batch, const AttnItem& item) {
  const int32_t q_len = batch.row_begin[item.seq + 1] - batch.row_begin[item.seq];
  return int64_t{item.q_end - item.q_begin} * (batch.kv_len[item.seq] - q_len + item.q_end);
}

TEST(Planner, DecodeIsOneItemPerKvHead) {
  Planner planner({.num_q_heads = 16, .num_kv_heads = 8}, 16, 4);
  Batch batch;
  batch.Add(1, 99);
  EXPECT_EQ(planner.Plan(batch.row_begin, batch.kv_len).items.size(), 8u);
}

TEST(Planner, EmptyBatchAndEmptyRowsHaveNoItems) {
  Planner planner({.num_q_heads = 4, .num_kv_heads = 4}, 16, 4);
  Batch batch;
  EXPECT_TRUE(planner.Plan(batch.row_begin, batch.kv_len).items.empty());
  batch.Add(0, 10);
  EXPECT_TRUE(planner.Plan(batch.row_begin, batch.kv_len).items.empty());
}

TEST(Planner, CoversEveryRowOnceLongestFirst) {
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const int32_t hkv = 1 + static_cast<int32_t>(random() % 8);
    const int32_t group = 1 + static_cast<int32_t>(random() % 80);  // also more than one item packs
    Planner planner({.num_q_heads = hkv * group, .num_kv_heads = hkv}, 4000, 12);
    Batch batch;
    const int num_seqs = static_cast<int>(random() % 12);
    for (int i = 0; i < num_seqs; ++i) {
      batch.Add(random() % 3 == 0 ? static_cast<int32_t>(random() % 300) : 1,
                static_cast<int32_t>(random() % 3000));
    }
    const auto items = planner.Plan(batch.row_begin, batch.kv_len).items;
    std::vector<int> covered(static_cast<size_t>(batch.row_begin.back()) * hkv, 0);
    for (size_t n = 0; n < items.size(); ++n) {
      const AttnItem& item = items[n];
      if (n > 0) {
        ASSERT_GE(Work(batch, items[n - 1]), Work(batch, item));
      }
      for (int32_t row = item.q_begin; row < item.q_end; ++row) {
        ++covered[(batch.row_begin[item.seq] + row) * hkv + item.kv_head];
      }
    }
    for (const int times : covered) ASSERT_EQ(times, 1);
  }
}

}  // namespace
}  // namespace weir
