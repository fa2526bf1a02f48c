// SPDX-License-Identifier: Apache-2.0
//
// What a long prompt does to streams that decode beside it, without a server in between: the gaps
// between their tokens before and while the prompt is computed, and its rate against its rate
// alone.
//
//   interference --model DIR --itl-budget 250 --trace steps.jsonl
#include <CLI/CLI.hpp>
#include <algorithm>
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include <weir/engine.h>

namespace weir {
namespace {

struct Setup {
  EngineOptions engine;
  int32_t streams = 4;
  int32_t context = 1000;  // tokens of each stream when it begins
  int32_t prompt = 2500;   // tokens of the prompt that joins
  int32_t rounds = 3;
  int32_t calm_tokens = 30;  // of each stream, before the prompt joins
};

// A request whose tokens can be waited for. Times are those of steps' ends.
class Watched {
 public:
  Request Make(std::vector<TokenId> prompt, int32_t max_tokens) {
    Request request;
    request.prompt = std::move(prompt);
    request.sampling.max_tokens = max_tokens;
    request.sampling.ignore_eos = true;
    request.sampling.temperature = 0;
    request.on_delta = [this](const Delta& delta) {
      const std::lock_guard<std::mutex> lock(mutex_);
      for (size_t i = 0; i < delta.tokens.size(); ++i) times_us_.push_back(delta.time_us);
      if (scheduled_us_ == 0) scheduled_us_ = delta.scheduled_us;
      ended_ = ended_ || delta.last;
      changed_.notify_all();
    };
    return request;
  }
  void WaitForTokens(size_t count) {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || times_us_.size() >= count; });
  }
  void WaitForEnd() {
    std::unique_lock<std::mutex> lock(mutex_);
    changed_.wait(lock, [&] { return ended_; });
  }
  size_t num_tokens() {
    const std::lock_guard<std::mutex> lock(mutex_);
    return times_us_.size();
  }
  // After WaitForEnd.
  const std::vector<int64_t>& times_us() const { return times_us_; }
  int64_t scheduled_us() const { return scheduled_us_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<int64_t> times_us_;
  int64_t scheduled_us_ = 0;
  bool ended_ = false;
};

double Quantile(std::vector<double> values, double q) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[static_cast<size_t>(q * static_cast<double>(values.size() - 1) + 0.5)];
}

class Bench {
 public:
  Bench(Engine& engine, const Setup& setup) : engine_(engine), setup_(setup) {}

  void Run() {
    PromptRate(*Inject());  // touches all memory
    for (int32_t round = 0; round < setup_.rounds; ++round) {
      const double alone = PromptRate(*Inject());
      const double beside = Round();
      rates_.push_back(beside / alone);
      fmt::print("round {}: prompt alone {:.0f} tok/s, beside {} streams {:.0f} tok/s ({:.0f} %)\n",
                 round + 1, alone, setup_.streams, beside, 100 * beside / alone);
    }
    Print("before", calm_ms_);
    Print("during", stretched_ms_);
    fmt::print("prefill rate beside streams: {:.0f} % of alone (median)\n",
               100 * Quantile(rates_, 0.5));
    const EngineStats stats = engine_.Stats();
    fmt::print("cost model: median error {:.1f} %, p90 {:.1f} %; decode step {:.1f} ms\n",
               100 * stats.cost_model_error, 100 * stats.cost_model_p90_error,
               stats.decode_step_us * 1e-3);
  }

 private:
  std::vector<TokenId> RandomPrompt(int32_t length) {
    std::vector<TokenId> prompt(static_cast<size_t>(length));
    for (TokenId& token : prompt) {
      token = static_cast<TokenId>(random_() % static_cast<uint64_t>(engine_.info().vocab_size));
    }
    return prompt;
  }

  void Submit(Watched& watched, int32_t length, int32_t max_tokens, RequestId* id) {
    const auto submitted = engine_.Submit(watched.Make(RandomPrompt(length), max_tokens));
    if (!submitted) {
      fmt::print(stderr, "interference: {}\n", submitted.error().message);
      std::exit(1);
    }
    if (id != nullptr) *id = *submitted;
  }

  std::unique_ptr<Watched> Inject() {
    auto watched = std::make_unique<Watched>();
    Submit(*watched, setup_.prompt, 1, nullptr);
    watched->WaitForEnd();
    return watched;
  }

  double PromptRate(const Watched& prompt) const {
    return setup_.prompt * 1e6 /
           static_cast<double>(prompt.times_us().front() - prompt.scheduled_us());
  }

  // Streams decode, a prompt joins. Gaps that end while it is computed are stretched ones.
  double Round() {
    std::vector<std::unique_ptr<Watched>> streams;
    std::vector<RequestId> ids(static_cast<size_t>(setup_.streams));
    for (RequestId& id : ids) {
      streams.push_back(std::make_unique<Watched>());
      Submit(*streams.back(), setup_.context, 2000, &id);
    }
    for (const auto& stream : streams) stream->WaitForTokens(2);
    std::vector<size_t> calm_from;
    for (const auto& stream : streams) calm_from.push_back(stream->num_tokens());
    for (size_t i = 0; i < streams.size(); ++i) {
      streams[i]->WaitForTokens(calm_from[i] + static_cast<size_t>(setup_.calm_tokens));
    }
    const auto prompt = Inject();
    for (const RequestId id : ids) engine_.Cancel(id);
    for (size_t i = 0; i < streams.size(); ++i) {
      streams[i]->WaitForEnd();
      AddGaps(*streams[i], calm_from[i], *prompt);
    }
    return PromptRate(*prompt);
  }

  void AddGaps(const Watched& stream, size_t first, const Watched& prompt) {
    const std::vector<int64_t>& times = stream.times_us();
    for (size_t i = first; i < times.size(); ++i) {
      const double gap_ms = static_cast<double>(times[i] - times[i - 1]) * 1e-3;
      if (times[i] <= prompt.scheduled_us()) calm_ms_.push_back(gap_ms);
      const bool during = times[i] > prompt.scheduled_us() && times[i] <= prompt.times_us().front();
      if (during) stretched_ms_.push_back(gap_ms);
    }
  }

  static void Print(const char* when, const std::vector<double>& gaps_ms) {
    fmt::print("ITL {}: median {:.0f} ms, p90 {:.0f}, p99 {:.0f}, most {:.0f} ({} gaps)\n", when,
               Quantile(gaps_ms, 0.5), Quantile(gaps_ms, 0.9), Quantile(gaps_ms, 0.99),
               Quantile(gaps_ms, 1), gaps_ms.size());
  }

  Engine& engine_;
  const Setup& setup_;
  std::mt19937_64 random_{1};
  std::vector<double> calm_ms_, stretched_ms_, rates_;
};

int Main(int argc, char** argv) {
  CLI::App app("A long prompt beside streams that decode", "interference");
  Setup s;
  s.engine.model = "synth:qwen3-0.6b";
  s.engine.max_model_len = 4096;
  s.engine.max_num_seqs = 8;
  app.add_option("--model", s.engine.model)->capture_default_str();
  app.add_option("--threads", s.engine.num_threads);
  app.add_option("--itl-budget", s.engine.scheduling.itl_budget_ms, "ms; 0: by the rule");
  app.add_option("--graph-mode", s.engine.scheduling.graph_mode)->capture_default_str();
  app.add_option("--trace", s.engine.scheduling.trace_file);
  app.add_option("--streams", s.streams)->capture_default_str()->check(CLI::Range(1, 64));
  app.add_option("--ctx", s.context)->capture_default_str()->check(CLI::Range(1, 1 << 20));
  app.add_option("--inject", s.prompt)->capture_default_str()->check(CLI::Range(1, 1 << 20));
  app.add_option("--rounds", s.rounds)->capture_default_str()->check(CLI::Range(1, 1000));
  CLI11_PARSE(app, argc, argv);
  s.engine.max_num_seqs = std::max(s.engine.max_num_seqs, s.streams + 1);
  auto engine = Engine::Open(s.engine);
  if (!engine) {
    fmt::print(stderr, "interference: {}\n", engine.error().message);
    return 1;
  }
  fmt::print("budget {:.0f} ms, graph mode {}\n", (*engine)->info().itl_budget_ms,
             (*engine)->info().graph_mode);
  Bench(**engine, s).Run();
  return 0;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
