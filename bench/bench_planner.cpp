// SPDX-License-Identifier: Apache-2.0
//
// What planning a step of decodes costs: log-normal lengths, 32/8 heads of 128, on the built-in
// profile of a GPU. Plan chooses, Refresh cuts as chosen before, Next does what an engine's steps
// cost on average: one Plan in 33. The tables of pages share nothing, or half of their tokens.
#include <algorithm>
#include <benchmark/benchmark.h>
#include <cmath>
#include <random>
#include <vector>

#include "attention/planner.h"

namespace weir {
namespace {

constexpr int32_t kPageLen = 16;
constexpr AttnShape kShape = {.num_q_heads = 32, .num_kv_heads = 8, .head_dim = 128};
constexpr PlannerLimits kLimits = {.max_rows = 8192, .max_seqs = 256, .max_kv_len = 1 << 18};

// Owns a batch that can go on by a token.
class Decodes {
 public:
  Decodes(int64_t num_seqs, bool shared) {
    std::mt19937 random(1);
    std::normal_distribution<double> normal(std::log(3000), 1.2);
    for (int64_t i = 0; i < num_seqs; ++i) {
      const double len = std::clamp(std::exp(normal(random)), 1.0, 262144.0 - 4096);
      row_begin_.push_back(static_cast<int32_t>(i) + 1);
      kv_len_.push_back(static_cast<int32_t>(len));
      const auto num_pages = static_cast<int32_t>(len) / kPageLen + 4096 / kPageLen + 1;
      for (int32_t page = 0; page < num_pages; ++page) {
        const bool own = !shared || page >= static_cast<int32_t>(len) / kPageLen / 2;
        pages_.push_back(own ? next_page_++ : page);
      }
      page_begin_.push_back(static_cast<int32_t>(pages_.size()));
    }
  }

  AttnBatch Step() {
    // Half of a page table is more than a run of steps lets a sequence grow.
    grown_ = grown_ == 4096 - 1 ? 0 : grown_ + 1;
    for (int32_t& len : kv_len_) len += grown_ == 0 ? 1 - 4096 : 1;
    return view();
  }
  AttnBatch view() const {
    return {.row_begin = row_begin_,
            .kv_len = kv_len_,
            .pages = pages_,
            .page_begin = page_begin_,
            .page_len = kPageLen};
  }

 private:
  std::vector<int32_t> row_begin_{0}, kv_len_, pages_, page_begin_{0};
  int32_t next_page_ = 1 << 24;
  int32_t grown_ = 0;
};

enum class Call { kPlan, kRefresh, kNext };

void BM_Planner(benchmark::State& state, Call call, bool shared) {
  const auto device = BuiltinProfile("h200");
  if (!device) return state.SkipWithError("no profile of an h200");
  Planner planner(kShape, *device, AttnPolicy{}, kLimits);
  Decodes decodes(state.range(0), shared);
  planner.Plan(decodes.view());
  int64_t items = 0;
  for (auto _ : state) {
    const AttnBatch batch = decodes.Step();
    const AttnPlan plan = call == Call::kPlan      ? planner.Plan(batch)
                          : call == Call::kRefresh ? planner.Refresh(batch)
                                                   : planner.Next(batch);
    items += plan.work.num_items;
  }
  state.counters["items"] =
      benchmark::Counter(static_cast<double>(items), benchmark::Counter::kAvgIterations);
}

void Rows(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t rows : {1, 8, 32, 64, 256}) benchmark->Arg(rows);
}
BENCHMARK_CAPTURE(BM_Planner, plan, Call::kPlan, false)->Apply(Rows);
BENCHMARK_CAPTURE(BM_Planner, refresh, Call::kRefresh, false)->Apply(Rows);
BENCHMARK_CAPTURE(BM_Planner, next, Call::kNext, false)->Apply(Rows);
BENCHMARK_CAPTURE(BM_Planner, plan_shared, Call::kPlan, true)->Apply(Rows);
BENCHMARK_CAPTURE(BM_Planner, next_shared, Call::kNext, true)->Apply(Rows);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
