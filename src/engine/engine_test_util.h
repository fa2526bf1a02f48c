// SPDX-License-Identifier: Apache-2.0
//
// For tests of the whole engine on a small random model.
#ifndef WEIR_ENGINE_ENGINE_TEST_UTIL_H_
#define WEIR_ENGINE_ENGINE_TEST_UTIL_H_

#include <future>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <weir/engine.h>

namespace weir {

inline EngineOptions Options() {
  return {.model = "synth:tiny", .num_threads = 2, .max_model_len = 512, .max_num_seqs = 8};
}

inline std::unique_ptr<Engine> OpenOrDie(const EngineOptions& options) {
  auto engine = Engine::Open(options);
  EXPECT_TRUE(engine.has_value()) << engine.error().message;
  return std::move(*engine);
}

struct Outcome {
  std::vector<TokenId> tokens;
  std::string text;
  FinishReason finish = FinishReason::kNone;
  std::string error;
  int num_ends = 0;
  int32_t num_cached_tokens = 0;
};

// A request whose outcomes can be waited for.
class Call {
 public:
  Request Make(std::vector<TokenId> prompt, const SamplingParams& sampling, int32_t n = 1) {
    outcomes_.resize(static_cast<size_t>(n));
    return {.prompt = std::move(prompt),
            .sampling = sampling,
            .n = n,
            .on_delta = [this](const Delta& d) { Take(d); }};
  }
  Outcome Wait() { return WaitAll()[0]; }
  std::vector<Outcome> WaitAll() {
    ended_.get_future().wait();
    return outcomes_;
  }

 private:
  void Take(const Delta& delta) {
    Outcome& outcome = outcomes_.at(static_cast<size_t>(delta.index));
    for (const OutputToken& token : delta.tokens) outcome.tokens.push_back(token.token);
    outcome.text += delta.text;
    outcome.num_cached_tokens = delta.num_cached_tokens;
    if (delta.finish != FinishReason::kNone) {
      outcome.finish = delta.finish;
      outcome.error = delta.error;
      ++outcome.num_ends;
    }
    if (delta.last) ended_.set_value();
  }

  std::promise<void> ended_;
  std::vector<Outcome> outcomes_;
};

inline Outcome Complete(Engine& engine, std::vector<TokenId> prompt,
                        const SamplingParams& sampling) {
  Call call;
  const auto id = engine.Submit(call.Make(std::move(prompt), sampling));
  EXPECT_TRUE(id.has_value()) << id.error().message;
  return call.Wait();
}

inline std::vector<TokenId> Prompt(int length, int seed) {
  std::vector<TokenId> prompt;
  for (int i = 0; i < length; ++i) prompt.push_back((seed * 7919 + i * 104729) % 900);
  return prompt;
}

inline SamplingParams Drawn(uint64_t seed, int32_t max_tokens) {
  SamplingParams sampling;
  sampling.seed = seed;
  sampling.max_tokens = max_tokens;
  sampling.ignore_eos = true;
  return sampling;
}

inline SamplingParams Greedy(int32_t max_tokens) {
  SamplingParams sampling = Drawn(0, max_tokens);
  sampling.temperature = 0;
  return sampling;
}

// News of the last step reach callers before the totals do.
inline EngineStats StatsWhenIdle(const Engine& engine) {
  EngineStats stats = engine.Stats();
  while (!stats.idle || stats.num_waiting > 0 || stats.num_running > 0) {
    std::this_thread::yield();
    stats = engine.Stats();
  }
  return stats;
}

}  // namespace weir

#endif  // WEIR_ENGINE_ENGINE_TEST_UTIL_H_
