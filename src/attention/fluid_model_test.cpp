// SPDX-License-Identifier: Apache-2.0
//
// The model against published times, against cases worked out by hand, and its fast form against
// the exact one.
#include "attention/fluid_model.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <random>

#include "attention/planner.h"
#include "attention/planner_test_util.h"
#include "attention/split_rules.h"

namespace weir {
namespace {

// Round numbers: a worker reads 1000 bytes per microsecond, all together 4000.
DeviceProfile RoundDevice(int32_t num_workers) {
  DeviceProfile device = FittedGpu();
  device.num_workers = num_workers;
  device.total_gb_s = 4;
  device.worker_gb_s = 1;
  device.item_us = 2;
  device.launch_us = 10;
  device.merge_us = 3;
  return device;
}

FluidItem Reads(double bytes) { return {.bytes = bytes, .flops = 0, .gflop_s = 1}; }
FluidItem Computes(double us, double bytes = 0) {
  return {.bytes = bytes, .flops = us * 1000, .gflop_s = 1};
}

double ItemsUs(const std::vector<FluidItem>& items, int32_t num_workers) {
  return Simulate(items, Qwen3_8b(), RoundDevice(num_workers), 0).items_us;
}

TEST(Simulate, NothingTakesNoTime) {
  const FluidResult result = Simulate({}, Qwen3_8b(), RoundDevice(4), 0);
  EXPECT_EQ(result.total_us, 0);
  EXPECT_TRUE(result.spans.empty());
}

TEST(Simulate, CasesWorkedOutByHand) {
  EXPECT_DOUBLE_EQ(ItemsUs({Reads(5000)}, 4), 2 + 5);
  EXPECT_DOUBLE_EQ(ItemsUs({Reads(5000), Reads(5000)}, 1), 2 * (2 + 5)) << "one after another";
  EXPECT_DOUBLE_EQ(ItemsUs({Reads(5000), Reads(5000)}, 2), 2 + 5) << "side by side";
  EXPECT_DOUBLE_EQ(ItemsUs(std::vector(4, Reads(5000)), 4), 2 + 5) << "just enough for four";
  EXPECT_DOUBLE_EQ(ItemsUs(std::vector(8, Reads(5000)), 8), 2 + 10) << "eight share it";
  // Eight share until the short ones end at 2 + 4; the long ones then read at full rate.
  std::vector<FluidItem> items(4, Reads(5000));
  items.insert(items.end(), 4, Reads(2000));
  EXPECT_DOUBLE_EQ(ItemsUs(items, 8), 2 + 4 + 3);
  EXPECT_DOUBLE_EQ(ItemsUs({Reads(0)}, 1), 2) << "an item without keys costs its fixed part";
}

// While an item is in its fixed part it reads nothing: others go faster.
TEST(Simulate, TheFixedPartReadsNothing) {
  // Eight workers. Four items of 4 and four of 8 kB: all read from 2 at half a rate. At 10 the
  // short ones are done and a ninth item is taken; its fixed part lasts until 12. The long ones
  // then have read 4 kB and go on at the full rate, and end at 14; the ninth reads 1 kB from 12 at
  // 4 / 5.
  std::vector<FluidItem> items(4, Reads(8000));
  items.insert(items.end(), 4, Reads(4000));
  items.push_back(Reads(800));
  const FluidResult result = Simulate(items, Qwen3_8b(), RoundDevice(8), 0);
  EXPECT_DOUBLE_EQ(result.spans[8].begin_us, 10);
  EXPECT_DOUBLE_EQ(result.spans[8].end_us, 13) << "800 bytes at 4 / 5 of a worker's rate";
  // 2 kB from 10 to 12, 0.8 kB until 13, the rest of 1.2 kB at the full rate.
  EXPECT_DOUBLE_EQ(result.items_us, 14.2);
}

TEST(Simulate, ItemsAreTakenInOrder) {
  // Longest first fills two workers evenly; longest last leaves one of them alone.
  EXPECT_DOUBLE_EQ(ItemsUs({Reads(6000), Reads(3000), Reads(1000)}, 2), 2 + 6);
  EXPECT_DOUBLE_EQ(ItemsUs({Reads(1000), Reads(3000), Reads(6000)}, 2), (2 + 1) + (2 + 6));
  const std::vector<FluidItem> items = {Reads(6000), Reads(3000), Reads(1000)};
  const FluidResult result = Simulate(items, Qwen3_8b(), RoundDevice(2), 0);
  ASSERT_EQ(result.spans.size(), 3u);
  EXPECT_EQ(result.spans[0].worker, 0);
  EXPECT_EQ(result.spans[1].worker, 1);
  EXPECT_EQ(result.spans[2].worker, 1) << "whoever is free first";
  EXPECT_DOUBLE_EQ(result.spans[2].begin_us, 5);
  EXPECT_DOUBLE_EQ(result.spans[2].end_us, 8);
}

TEST(Simulate, AnItemTakesAsLongAsItsSlowerHalf) {
  EXPECT_DOUBLE_EQ(ItemsUs({Computes(5)}, 1), 2 + 5);
  EXPECT_DOUBLE_EQ(ItemsUs({Computes(5, 3000)}, 1), 2 + 5) << "reads while it computes";
  EXPECT_DOUBLE_EQ(ItemsUs({Computes(3, 5000)}, 1), 2 + 5) << "computes while it reads";
}

// Computing items leave memory to the others, but for what they read themselves.
TEST(Simulate, ComputingItemsLeaveBandwidth) {
  std::vector<FluidItem> items(4, Computes(20));
  items.insert(items.end(), 4, Reads(10000));
  EXPECT_DOUBLE_EQ(ItemsUs(items, 8), 2 + 20);
  const FluidResult alone = Simulate(items, Qwen3_8b(), RoundDevice(8), 0);
  EXPECT_DOUBLE_EQ(alone.spans[4].end_us, 2 + 10) << "four readers, four thousand per microsecond";
  // Four that compute for 20 and read 10 kB meanwhile take two of the four.
  items.assign(4, Computes(20, 10000));
  items.insert(items.end(), 4, Reads(5000));
  const FluidResult shared = Simulate(items, Qwen3_8b(), RoundDevice(8), 0);
  EXPECT_DOUBLE_EQ(shared.spans[4].end_us, 2 + 10);
}

TEST(Simulate, LaunchAndMergeAreAdded) {
  const std::vector<FluidItem> items = {Reads(5000)};
  const AttnShape shape = {.num_q_heads = 1, .num_kv_heads = 1, .head_dim = 62};
  EXPECT_DOUBLE_EQ(Simulate(items, shape, RoundDevice(1), 0).total_us, 10 + 7);
  // A row of 62 + 2 floats is written and read: 512 bytes, of 4000 per microsecond.
  const FluidResult result = Simulate(items, shape, RoundDevice(1), 125);
  EXPECT_DOUBLE_EQ(result.merge_us, 3 + 16);
  EXPECT_DOUBLE_EQ(result.total_us, 10 + 7 + 19);
}

// vllm-project/vllm#43232: FlashAttention-3 decodes on a GPU assumed to be of the H200 class, with
// assumed 32/8 heads of 128. Its rule per row (flash_prepare_scheduler.cu): as many pieces as
// tiles, in groups that leave a tenth of the multiprocessors spare.
int32_t LibrarySplits(int32_t rows, int32_t len, const AttnShape& shape, int32_t sm_count) {
  const int32_t tiles = (len + 127) / 128;
  const double all = 1.1 * rows * tiles * shape.num_kv_heads;
  const auto per_piece = static_cast<int32_t>(std::ceil(all / sm_count));
  return std::min((tiles + per_piece - 1) / per_piece, 128);
}

double LibraryUs(int32_t rows, int32_t len) {
  DeviceProfile device = FittedGpu();
  device.merge_us = 5;  // a separate kernel
  const AttnShape shape = Qwen3_8b();
  const AttnPolicy policy = {.splits = KvSplitRule::kFixed,
                             .fixed_splits = LibrarySplits(rows, len, shape, device.sm_count)};
  Planner planner(shape, device, policy, {.max_rows = 8, .max_seqs = 8, .max_kv_len = 1 << 16});
  const TestBatch batch(Decodes(std::vector<int32_t>(rows, len)));
  const AttnPlan plan = planner.Plan(batch.view());
  const auto demands = FluidItems(plan, batch.view(), shape, device);
  return Simulate(demands, shape, device, plan.counts.num_slot_rows).total_us;
}

TEST(Simulate, PublishedTimes) {
  struct Case {
    int32_t rows;
    int32_t len;
    double published_us;
  };
  constexpr Case kCases[] = {
      {1, 1024, 11.0}, {1, 4096, 14.5}, {1, 16384, 27.2},  {1, 32768, 43.5},
      {8, 1024, 17.5}, {8, 4096, 41.6}, {8, 16384, 132.7}, {8, 32768, 253},
  };
  double sum = 0;
  for (const Case& c : kCases) {
    const double error = std::log(LibraryUs(c.rows, c.len) / c.published_us);
    EXPECT_LT(std::abs(error), 0.04) << c.rows << " x " << c.len;
    sum += error * error;
  }
  // What the fit of five constants reached.
  EXPECT_LT(std::sqrt(sum / std::size(kCases)), 0.0245);
}

// The fast form lists classes, all at one rate; what it leaves out costs this much.
constexpr double kMostBelow = 0.915;
constexpr double kMostAbove = 1.10;

struct Pieces {
  std::vector<FluidItem> items;
  std::vector<FluidClass> classes;

  void Add(double bytes, double compute_us, int64_t count) {
    items.insert(items.end(), count, {.bytes = bytes, .flops = compute_us * 1e3, .gflop_s = 1});
    classes.push_back({.bytes = bytes, .compute_us = compute_us, .count = count});
  }
};

double ExactUs(const Pieces& pieces, const DeviceProfile& device) {
  return Simulate(pieces.items, Qwen3_8b(), device, 0).items_us;
}

TEST(FluidPredictorTest, IsExactForOneClass) {
  const DeviceProfile device = FittedGpu();
  FluidPredictor predictor(device);
  for (const int64_t count : {1, 100, 121, 122, 264}) {
    Pieces pieces;
    pieces.Add(1e6, 0, count);
    EXPECT_NEAR(predictor.ItemsUs(pieces.classes), ExactUs(pieces, device),
                1e-9 * ExactUs(pieces, device))
        << count;
  }
}

TEST(FluidPredictorTest, NothingTakesNoTime) {
  FluidPredictor predictor(FittedGpu());
  EXPECT_EQ(predictor.ItemsUs({}), 0);
}

// What planning makes of random batches: pieces of one length, shorter last ones, whole rows.
Pieces RandomPieces(std::mt19937& random) {
  std::vector<std::pair<double, int64_t>> sizes;
  const double piece = 65536.0 * (1 + static_cast<double>(random() % 30));
  sizes.emplace_back(piece, 8 * (1 + random() % 100));
  for (uint32_t n = random() % 20; n > 0; --n) {
    sizes.emplace_back(piece * static_cast<double>(1 + random() % 1000) / 1000,
                       8 * (1 + random() % 4));
  }
  std::sort(sizes.begin(), sizes.end(), std::greater<>());
  Pieces pieces;
  for (const auto& [bytes, count] : sizes) pieces.Add(bytes, 0, count);
  return pieces;
}

TEST(FluidPredictorTest, IsNearTheSimulationForRandomBatches) {
  std::mt19937 random(6);
  for (const DeviceProfile& device : {FittedGpu(), TestCpu(2), TestCpu(16), TestCpu(64)}) {
    FluidPredictor predictor(device);
    for (int i = 0; i < 500; ++i) {
      const Pieces pieces = RandomPieces(random);
      const double ratio = predictor.ItemsUs(pieces.classes) / ExactUs(pieces, device);
      ASSERT_GT(ratio, kMostBelow) << device.num_workers << " workers, batch " << i;
      ASSERT_LT(ratio, kMostAbove) << device.num_workers << " workers, batch " << i;
    }
  }
}

TEST(FluidPredictorTest, AlternatingDevicesDoNotInterfere) {
  std::mt19937 random(7);
  const Pieces first = RandomPieces(random);
  const Pieces second = RandomPieces(random);
  FluidPredictor predictor(FittedGpu());
  const double us = predictor.ItemsUs(first.classes);
  predictor.ItemsUs(second.classes);
  EXPECT_EQ(predictor.ItemsUs(first.classes), us);
}

// The demands of a plan: each key once, queries that read the same keys share them.
TEST(FluidItemsTest, CountsBytesAndFlops) {
  const AttnShape shape = Qwen3_8b();
  const DeviceProfile device = FittedGpu();
  Planner planner(shape, device, {}, {.max_rows = 4096, .max_seqs = 4, .max_kv_len = 1 << 16});
  const auto sum_of = [&](const std::vector<SeqLengths>& seqs) {
    const TestBatch batch(seqs);
    const AttnPlan plan = planner.Plan(batch.view());
    FluidItem sum = {};
    for (const FluidItem& item : FluidItems(plan, batch.view(), shape, device)) {
      sum.bytes += item.bytes;
      sum.flops += item.flops;
    }
    return sum;
  };
  const double token = 8 * 2 * 128 * 2;  // bytes of a token's keys and values
  const double score = 32 * 4 * 128;     // flops of a row and a key, all heads
  EXPECT_DOUBLE_EQ(sum_of({{1, 5000}}).bytes, 5000 * token);
  EXPECT_DOUBLE_EQ(sum_of({{1, 5000}}).flops, 5000 * score);
  EXPECT_DOUBLE_EQ(sum_of({{3, 5000}}).flops, (4998 + 4999 + 5000) * score);
  // 33 rows are a tile of 32 and one of a row; each reads all keys that it sees, half counted.
  EXPECT_DOUBLE_EQ(sum_of({{33, 33}}).bytes, (32 + 33) / 2.0 * token);
  EXPECT_DOUBLE_EQ(sum_of({{33, 33}}).flops, 33 * 34 / 2 * score);
}

}  // namespace
}  // namespace weir
