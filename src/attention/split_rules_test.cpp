// SPDX-License-Identifier: Apache-2.0
#include "attention/split_rules.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "attention/planner_test_util.h"

namespace weir {
namespace {

TEST(SmCountTest, IsTheDevicesOrTheFallback) {
  DeviceProfile device = FittedGpu();
  EXPECT_EQ(SmCount(device), 132) << "multiprocessors, not the 264 resident workers";
  device.sm_count = 0;
  EXPECT_EQ(SmCount(device), 60);
}

TEST(BatchScaledSplitsTest, IsTheRuleOfPr85) {
  struct Case {
    int32_t sm_count;
    int32_t decode_tokens;
    int32_t kv_heads;
    int32_t splits;
  };
  constexpr Case kCases[] = {
      {60, 8, 8, 1},  // the published case: 8 x 2500 on 60 multiprocessors
      {60, 1, 8, 8},  // and its batch of one
      {60, 2, 8, 4},
      {60, 4, 8, 2},
      {60, 7, 8, 2},
      {60, 16, 8, 1},
      {60, 1, 1, 32},  // 60 ways, capped
      {60, 1, 2, 30},
      {60, 2, 1, 30},
      {132, 1, 4, 32},
      {132, 1, 8, 17},
      {132, 8, 8, 3},
      {132, 16, 8, 2},
      {132, 17, 8, 1},
      {132, 1000, 8, 1},
      {1, 1, 1, 1},
      {2, 1, 8, 1},
      {32, 1, 1, 32},
      {33, 1, 1, 32},
      {31, 1, 1, 31},
      {60, 0, 8, 8},                   // no decode counts as one
      {1 << 16, 1 << 20, 1 << 12, 1},  // the product exceeds 32 bits
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(BatchScaledSplits(c.sm_count, c.decode_tokens, c.kv_heads), c.splits)
        << c.sm_count << " multiprocessors, " << c.decode_tokens << " tokens, " << c.kv_heads
        << " heads";
  }
}

// The published function once more, as it is written there (hopper/heuristics.h of
// Dao-AILab/flash-attention), without its branch for prefills that exceed the second-level cache.
int32_t PublishedHeuristic(int32_t total_mblocks, int32_t num_sms, int32_t num_n_blocks,
                           int32_t max_splits) {
  if (static_cast<float>(total_mblocks) >= 0.8f * static_cast<float>(num_sms)) return 1;
  if (num_n_blocks <= 4) return 1;
  max_splits = std::min(std::min(max_splits, num_sms), num_n_blocks);
  float max_efficiency = 0;
  std::vector<float> efficiency;
  for (int32_t num_splits = 1; num_splits <= max_splits; ++num_splits) {
    const float n_waves =
        static_cast<float>(total_mblocks * num_splits) / static_cast<float>(num_sms);
    efficiency.push_back(n_waves / std::ceil(n_waves));
    max_efficiency = std::max(max_efficiency, efficiency.back());
  }
  for (int32_t num_splits = 1; num_splits <= max_splits; ++num_splits) {
    if (efficiency[num_splits - 1] >= 0.85f * max_efficiency) return num_splits;
  }
  return 1;
}

TEST(HeuristicSplitsTest, IsThePublishedFunctionOverAGrid) {
  int64_t num_split = 0;
  for (const int32_t sms : {1, 2, 60, 108, 132}) {
    for (const int32_t heads : {1, 2, 4, 8}) {
      for (const int32_t group : {1, 4, 16}) {
        const AttnShape shape = {heads * group, heads, 128};
        for (const int32_t rows : {1, 2, 3, 5, 8, 13, 16, 40, 128}) {
          for (const int32_t len : {1, 128, 512, 513, 640, 1000, 2500, 8192, 40000, 131072}) {
            for (const int32_t q : {1, 9, 64, 300}) {
              if (q > len) continue;
              const TestBatch batch(std::vector<SeqLengths>(rows, {q, len}));
              const int32_t got = HeuristicSplits(batch.view(), shape, sms);
              const int32_t q_blocks = (q * group + 127) / 128;
              ASSERT_EQ(got,
                        PublishedHeuristic(rows * heads * q_blocks, sms, (len + 127) / 128, 128))
                  << rows << " x " << q << "/" << len << ", " << heads << " heads of " << group
                  << ", " << sms << " multiprocessors";
              num_split += got > 1;
            }
          }
        }
      }
    }
  }
  EXPECT_GT(num_split, 1000) << "the grid must reach the part that splits";
}

TEST(HeuristicSplitsTest, LooksAtTheWholeBatch) {
  const AttnShape shape = Qwen3_8b();
  // The longest row decides for all.
  EXPECT_GT(HeuristicSplits(TestBatch(Decodes({100, 32768})).view(), shape, 132), 1);
  EXPECT_EQ(HeuristicSplits(TestBatch(Decodes({100, 512})).view(), shape, 132), 1);
  // A prefill in the step counts as many query tiles for every row.
  EXPECT_EQ(HeuristicSplits(TestBatch({{1, 32768}, {2500, 2500}}).view(), shape, 132), 1);
  // Padding is no row.
  const std::vector<SeqLengths> padded = {{1, 32768}, {0, 32768}, {0, 9}};
  EXPECT_EQ(HeuristicSplits(TestBatch(padded).view(), shape, 132),
            HeuristicSplits(TestBatch(Decodes({32768})).view(), shape, 132));
  EXPECT_EQ(HeuristicSplits(TestBatch({}).view(), shape, 132), 1);
  EXPECT_EQ(HeuristicSplits(TestBatch({{0, 2500}}).view(), shape, 132), 1);
}

}  // namespace
}  // namespace weir
