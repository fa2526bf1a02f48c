// SPDX-License-Identifier: Apache-2.0
//
// What preparing a step of decodes costs: the batch and the plan of its attention. `built` makes
// both from nothing in every step, as a Planner alone would; `none` and `captured` are the two
// graph modes of engine/decode_capture.h. Qwen3-0.6B's heads on two CPU threads.
#include <benchmark/benchmark.h>
#include <memory>
#include <utility>
#include <vector>

#include "engine/decode_capture.h"
#include "engine/test_tokenizer.h"
#include "kv/page_pool.h"

namespace weir {
namespace {

constexpr int32_t kPageLen = 16;
constexpr int32_t kMaxLen = 16'384;
constexpr int32_t kRun = 1024;  // steps until all sequences begin again
constexpr AttnShape kShape = {.num_q_heads = 16, .num_kv_heads = 8, .head_dim = 128};

// Sequences whose tokens and pages are there from the start.
class Decodes {
 public:
  Decodes(int32_t num_seqs, int32_t kv_len) : kv_len_(kv_len) {
    for (int32_t i = 0; i < num_seqs; ++i) {
      auto state = std::make_shared<RequestState>();
      state->num_prompt = kMaxLen;
      sequences_.push_back(std::make_unique<Sequence>(
          i, 0, std::move(state), std::vector<TokenId>(kMaxLen, 1), 0, context_));
      const int32_t num_pages = PagesFor(kv_len + kRun + num_seqs, kPageLen);
      for (int32_t page = 0; page < num_pages; ++page) {
        sequences_.back()->pages().push_back(PageId{i * num_pages + page});
      }
    }
  }

  StepPlan Step() {
    step_ = (step_ + 1) % kRun;
    parts_.clear();
    for (int32_t i = 0; i < static_cast<int32_t>(sequences_.size()); ++i) {
      const int32_t begin = kv_len_ + step_ + i;  // units fill in turn
      parts_.push_back({sequences_[i].get(), begin, begin + 1, true});
    }
    return {.parts = parts_};
  }

 private:
  Tokenizer tokenizer_ = MakeTestTokenizer();
  SequenceContext context_ = {
      .tokenizer = tokenizer_, .eos_ids = {}, .vocab_size = 10, .max_model_len = kMaxLen + 1};
  int32_t kv_len_;
  int32_t step_ = 0;
  std::vector<std::unique_ptr<Sequence>> sequences_;
  std::vector<StepPart> parts_;
};

BatchLimits Limits(int32_t num_seqs) {
  return {.page_len = kPageLen,
          .max_rows = 512,
          .max_seqs = num_seqs,
          .num_pages = num_seqs * kMaxLen / kPageLen};
}

Planner MakePlanner(int32_t num_seqs) {
  return Planner(kShape, DefaultCpuProfile(2), AttnPolicy{},
                 {.max_rows = 512, .max_seqs = num_seqs, .max_kv_len = kMaxLen});
}

void BM_Built(benchmark::State& state) {
  const auto num_seqs = static_cast<int32_t>(state.range(0));
  Decodes decodes(num_seqs, static_cast<int32_t>(state.range(1)));
  BatchBuilder builder(Limits(num_seqs));
  Planner planner = MakePlanner(num_seqs);
  for (auto _ : state) {
    const ForwardBatch batch = builder.Build(decodes.Step());
    const AttnPlan plan = planner.Plan({.row_begin = batch.row_begin,
                                        .kv_len = batch.kv_len,
                                        .pages = batch.pages,
                                        .page_begin = batch.page_begin,
                                        .page_len = kPageLen});
    benchmark::DoNotOptimize(plan.work.num_items);
  }
}

void BM_Prepared(benchmark::State& state, GraphMode mode) {
  const auto num_seqs = static_cast<int32_t>(state.range(0));
  Decodes decodes(num_seqs, static_cast<int32_t>(state.range(1)));
  DecodeCapture capture(
      {.mode = mode, .sizes = {num_seqs}, .batch = Limits(num_seqs), .max_model_len = kMaxLen},
      MakePlanner(num_seqs));
  for (auto _ : state) {
    const PreparedStep step = capture.Prepare(decodes.Step());
    benchmark::DoNotOptimize(step.plan.work.num_items);
  }
  state.counters["plans"] = benchmark::Counter(static_cast<double>(capture.num_plans()),
                                               benchmark::Counter::kAvgIterations);
}

void Sizes(benchmark::internal::Benchmark* benchmark) {
  for (const int64_t num_seqs : {1, 4, 16, 64}) {
    for (const int64_t kv_len : {1000, 8000}) benchmark->Args({num_seqs, kv_len});
  }
}
BENCHMARK(BM_Built)->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Prepared, none, GraphMode::kNone)->Apply(Sizes);
BENCHMARK_CAPTURE(BM_Prepared, captured, GraphMode::kFullDecodeOnly)->Apply(Sizes);

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
