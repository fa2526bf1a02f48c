// SPDX-License-Identifier: Apache-2.0
//
// What choosing one token costs with a vocabulary of 151,936, by setting.
#include <benchmark/benchmark.h>
#include <random>

#include "sampling/sampler.h"

namespace weir {
namespace {

constexpr int32_t kVocab = 151936;

void BM_Next(benchmark::State& state, SamplingParams params) {
  std::mt19937 random(1);
  std::normal_distribution<float> normal(0.0f, 2.5f);
  std::vector<float> logits(kVocab);
  for (float& x : logits) x = normal(random);
  SequenceSampler sampler(params, 1, {}, kVocab);
  SamplerScratch scratch(kVocab);
  for (auto _ : state) {
    auto next = sampler.Next(logits, {}, scratch);
    benchmark::DoNotOptimize(next);
  }
}
BENCHMARK_CAPTURE(BM_Next, greedy, SamplingParams{.temperature = 0.0f});
BENCHMARK_CAPTURE(BM_Next, greedy_logprobs, SamplingParams{.temperature = 0.0f, .num_logprobs = 5});
BENCHMARK_CAPTURE(BM_Next, all, SamplingParams{});
BENCHMARK_CAPTURE(BM_Next, top_k_20, SamplingParams{.top_k = 20});
BENCHMARK_CAPTURE(BM_Next, top_p_95, SamplingParams{.top_p = 0.95f});
BENCHMARK_CAPTURE(BM_Next, qwen, SamplingParams{.temperature = 0.6f, .top_k = 20, .top_p = 0.95f});
BENCHMARK_CAPTURE(BM_Next, min_p, SamplingParams{.min_p = 0.05f});

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
