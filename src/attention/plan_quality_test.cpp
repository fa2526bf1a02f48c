// SPDX-License-Identifier: Apache-2.0
//
// How good plans are in the fluid model: against the best payload of a dense sweep, and against not
// splitting at all.
#include <cmath>
#include <cstdio>
#include <gtest/gtest.h>
#include <random>

#include "attention/planner.h"
#include "attention/planner_test_util.h"

namespace weir {
namespace {

constexpr PlannerLimits kLimits = {.max_rows = 8192, .max_seqs = 256, .max_kv_len = 1 << 20};

double PlannedUs(const AttnPlan& plan, const AttnBatch& batch, const AttnShape& shape,
                 const DeviceProfile& device) {
  const auto demands = FluidItems(plan, batch, shape, device);
  return Simulate(demands, shape, device, plan.counts.num_slot_rows).total_us;
}

// The same machinery with a payload given from outside.
class Sweep {
 public:
  Sweep(const AttnShape& shape, const DeviceProfile& device)
      : shape_(shape),
        device_(device),
        capacity_(Unlimited(CapacityOf(shape, device, AttnPolicy{}, kLimits))),
        runs_(shape, device, capacity_, kLimits.max_seqs),
        emitter_(shape, device, capacity_, 0) {}

  double Us(const AttnBatch& batch, int32_t payload) {
    decisions_.assign(batch.num_seqs(), {});
    RouteStep(batch, shape_, AttnPolicy{}, decisions_);
    runs_.Build(batch, decisions_, false);
    pieces_.clear();
    for (const KvRun& run : runs_.runs()) pieces_.push_back(NumPieces(run.num_units, payload));
    AttnPlan plan = {};
    plan.work = emitter_.Emit(runs_, pieces_, ItemOrder::kInterleaved);
    const auto demands = FluidItems(plan, batch, shape_, device_);
    return Simulate(demands, shape_, device_, emitter_.num_slot_rows()).total_us;
  }

  // Over payloads of every length up to 64 tiles, then 3 % apart.
  double BestUs(const AttnBatch& batch) {
    int32_t longest = 1;
    for (const int32_t len : batch.kv_len) longest = std::max(longest, (len + 127) / 128);
    double best = Us(batch, kNoSplit);
    for (double p = 1; p <= longest; p = p < 64 ? p + 1 : p * 1.03) {
      best = std::min(best, Us(batch, static_cast<int32_t>(p)));
    }
    return best;
  }

 private:
  static PlanCapacity Unlimited(PlanCapacity capacity) {
    capacity.max_items = 4 << 20;
    capacity.max_decode_slot_rows = 1 << 30;
    return capacity;
  }
  AttnShape shape_;
  DeviceProfile device_;
  PlanCapacity capacity_;
  RunList runs_;
  ItemEmitter emitter_;
  std::vector<AttnDecision> decisions_;
  std::vector<int32_t> pieces_;
};

std::vector<int32_t> LogNormal(int32_t rows, double median, double sigma, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal(std::log(median), sigma);
  std::vector<int32_t> lens;
  for (int32_t i = 0; i < rows; ++i) {
    lens.push_back(static_cast<int32_t>(std::clamp(std::exp(normal(random)), 1.0, 262144.0)));
  }
  return lens;
}

std::vector<int32_t> Rows(std::vector<std::pair<int32_t, int32_t>> groups) {
  std::vector<int32_t> lens;
  for (const auto& [count, len] : groups) lens.insert(lens.end(), count, len);
  return lens;
}

struct Scenario {
  const char* name;
  std::vector<int32_t> lens;
};

std::vector<Scenario> NamedScenarios() {
  return {
      {"1 x 2500", Rows({{1, 2500}})},
      {"8 x 2500", Rows({{8, 2500}})},
      {"16 x 2500", Rows({{16, 2500}})},
      {"34 x 2500", Rows({{34, 2500}})},
      {"128 x 2500", Rows({{128, 2500}})},
      {"log-normal, 32 rows", LogNormal(32, 3000, 1.2, 1)},
      {"log-normal, 128 rows", LogNormal(128, 3000, 1.2, 2)},
      {"geometric 256k..2k", {262144, 131072, 65536, 32768, 16384, 8192, 4096, 2048}},
      {"1 x 32k + 15 x 2k", Rows({{1, 32768}, {15, 2048}})},
      {"1 x 128k + 31 x 1k", Rows({{1, 131072}, {31, 1024}})},
  };
}

TEST(PlanQuality, DISABLED_Print) {
  const AttnShape shape = Qwen3_8b();
  const DeviceProfile device = FittedGpu();
  Planner planner(shape, device, {}, kLimits);
  Sweep sweep(shape, device);
  for (const Scenario& s : NamedScenarios()) {
    const TestBatch batch(Decodes(s.lens));
    const AttnPlan plan = planner.Plan(batch.view());
    const double us = PlannedUs(plan, batch.view(), shape, device);
    const double best = sweep.BestUs(batch.view());
    const double whole = sweep.Us(batch.view(), kNoSplit);
    std::printf(
        "%-22s floor %7.1f plan %7.1f (pred %7.1f) best %7.1f unsplit %8.1f loss %.3f items %d "
        "slots %d\n",
        s.name, plan.floor_us, us, plan.predicted_us, best, whole, us / best - 1,
        plan.work.num_items, plan.counts.num_slots);
  }
  double sum = 0, worst = 0;
  int n = 0, worse = 0;
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    const int32_t rows = 1 << (random() % 8);
    const double median = 200.0 * std::exp2(random() % 8);
    const double sigma = (random() % 4) * 0.5;
    const TestBatch batch(Decodes(LogNormal(rows, median, sigma, random())));
    const AttnPlan plan = planner.Plan(batch.view());
    const double us = PlannedUs(plan, batch.view(), shape, device);
    const double best = sweep.BestUs(batch.view());
    const double whole = sweep.Us(batch.view(), kNoSplit);
    const double loss = us / best - 1;
    sum += loss;
    worst = std::max(worst, loss);
    ++n;
    if (us > whole * 1.0000001) {
      ++worse;
      std::printf("worse %d rows median %f sigma %f: %f > %f\n", rows, median, sigma, us, whole);
    }
    if (loss > 0.05)
      std::printf("loss %.3f rows %d median %.0f sigma %.1f\n", loss, rows, median, sigma);
  }
  std::printf("mean %.4f worst %.4f worse than unsplit %d\n", sum / n, worst, worse);
}

}  // namespace
}  // namespace weir
