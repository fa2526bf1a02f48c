// SPDX-License-Identifier: Apache-2.0
#include "cli/generation.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/json.h"
#include "base/mutex.h"
#include "cli/interrupt.h"

namespace weir {
namespace {

// What one request has produced so far.
struct Answer {
  RequestId id = 0;
  int64_t num_prompt_tokens = 0;
  std::string text;
  std::vector<OutputToken> tokens;
  FinishReason finish = FinishReason::kNone;
  std::string error;
  double submitted = 0;    // seconds
  double first_token = 0;  // seconds
  double last_token = 0;   // seconds

  double ttft_ms() const { return tokens.empty() ? 0 : (first_token - submitted) * 1e3; }
  double tpot_ms() const {
    if (tokens.size() < 2) return 0;
    return (last_token - first_token) * 1e3 / static_cast<double>(tokens.size() - 1);
  }
};

// Filled by the engine thread, read by the thread that prints.
class Answers {
 public:
  explicit Answers(size_t count) : answers_(count) {}

  void Take(size_t index, const Delta& delta) {
    const double now = NowSeconds();
    MutexLock lock(mutex_);
    Answer& answer = answers_[index];
    if (!delta.tokens.empty()) {
      if (answer.tokens.empty()) answer.first_token = now;
      answer.last_token = now;
    }
    answer.text += delta.text;
    answer.tokens.insert(answer.tokens.end(), delta.tokens.begin(), delta.tokens.end());
    answer.finish = delta.finish;
    answer.error = delta.error;
    changed_.NotifyOne();
  }

  template <class Fn>
  auto With(size_t index, Fn fn) {
    MutexLock lock(mutex_);
    return fn(answers_[index]);
  }

  // Returns after news or some milliseconds: a Ctrl-C makes no news.
  void Wait() {
    MutexLock lock(mutex_);
    changed_.WaitFor(mutex_, 50);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<Answer> answers_ WEIR_GUARDED_BY(mutex_);
};

Json LogprobsJson(const Answer& answer) {
  Json list = Json::array();
  for (const OutputToken& token : answer.tokens) {
    Json top = Json::array();
    for (const TokenLogprob& other : token.top) {
      top.push_back({{"token", other.token}, {"logprob", other.logprob}});
    }
    list.push_back({{"token", token.token}, {"logprob", token.logprob}, {"top", top}});
  }
  return list;
}

Json AnswerJson(const Answer& answer, const std::string& prompt, bool logprobs) {
  Json tokens = Json::array();
  for (const OutputToken& token : answer.tokens) tokens.push_back(token.token);
  Json json = {{"prompt", prompt},
               {"text", answer.text},
               {"tokens", tokens},
               {"finish_reason", FinishReasonName(answer.finish)},
               {"num_prompt_tokens", answer.num_prompt_tokens},
               {"num_output_tokens", answer.tokens.size()},
               {"ttft_ms", answer.ttft_ms()},
               {"tpot_ms", answer.tpot_ms()}};
  if (logprobs) json["logprobs"] = LogprobsJson(answer);
  if (answer.finish == FinishReason::kError) json["error"] = answer.error;
  return json;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

void PrintSummary(Answers& answers, size_t count, double seconds) {
  std::vector<double> ttft;
  std::vector<double> tpot;
  int64_t prompt_tokens = 0;
  size_t output_tokens = 0;
  for (size_t i = 0; i < count; ++i) {
    answers.With(i, [&](const Answer& answer) {
      prompt_tokens += answer.num_prompt_tokens;
      output_tokens += answer.tokens.size();
      if (!answer.tokens.empty()) ttft.push_back(answer.ttft_ms());
      if (answer.tokens.size() > 1) tpot.push_back(answer.tpot_ms());
    });
  }
  fmt::print(
      stderr,
      "weir: {} prompt{}, {} tokens in, {} out in {:.2f} s | TTFT {:.1f} ms | TPOT {:.2f} ms "
      "| {:.1f} tok/s{}\n",
      count, count == 1 ? "" : "s", prompt_tokens, output_tokens, seconds, Median(ttft),
      Median(tpot), static_cast<double>(output_tokens) / seconds,
      count > 1 ? " (medians over prompts)" : "");
}

// Submits every prompt, prints what comes, and cancels everything when the user or the reader of
// the output has had enough.
class Runner {
 public:
  Runner(Engine& engine, const Generation& generation)
      : engine_(engine), generation_(generation), answers_(generation.prompts.size()) {}

  Result<int> Run() {
    CatchInterrupt();
    const double start = NowSeconds();
    WEIR_RETURN_IF_ERROR(SubmitAll());
    while (next_ < generation_.prompts.size()) {
      answers_.Wait();
      if (!cancelled_ && (Interrupted() || output_gone_)) CancelAll();
      PrintNews();
    }
    if (!generation_.quiet)
      PrintSummary(answers_, generation_.prompts.size(), NowSeconds() - start);
    if (Interrupted()) return 130;
    return failed_ || output_gone_ ? 1 : 0;
  }

 private:
  // A prompt that is refused ends the run before anything is computed: the user wants to mend it.
  Status SubmitAll() {
    std::vector<std::vector<TokenId>> encoded;
    for (const std::string& prompt : generation_.prompts) encoded.push_back(engine_.Encode(prompt));
    for (size_t i = 0; i < encoded.size(); ++i) {
      answers_.With(i, [&](Answer& answer) {
        answer.num_prompt_tokens = static_cast<int64_t>(encoded[i].size());
        answer.submitted = NowSeconds();
      });
      auto id = engine_.Submit({.prompt = std::move(encoded[i]),
                                .sampling = generation_.sampling,
                                .on_delta = [this, i](const Delta& d) { answers_.Take(i, d); }});
      if (!id) {
        CancelAll();
        WaitForSubmitted(i);
        return tl::unexpected(
            Error{id.error().code, fmt::format("prompt {}: {}", i + 1, id.error().message)});
      }
      answers_.With(i, [&](Answer& answer) { answer.id = *id; });
    }
    return Ok();
  }

  // The callbacks refer to this object, so it must outlive them.
  void WaitForSubmitted(size_t count) {
    for (size_t i = 0; i < count; ++i) {
      while (answers_.With(i, [](const Answer& a) { return a.finish == FinishReason::kNone; })) {
        answers_.Wait();
      }
    }
  }

  void CancelAll() {
    cancelled_ = true;
    for (size_t i = 0; i < generation_.prompts.size(); ++i) {
      const RequestId id = answers_.With(i, [](const Answer& answer) { return answer.id; });
      if (id != 0) engine_.Cancel(id);
    }
  }

  void PrintNews() {
    while (next_ < generation_.prompts.size()) {
      const Answer answer = answers_.With(next_, [](const Answer& a) { return a; });
      const bool finished = answer.finish != FinishReason::kNone;
      if (!generation_.json) PrintText(answer, finished);
      if (!finished) return;
      if (generation_.json) {
        Write(DumpJson(AnswerJson(answer, generation_.prompts[next_],
                                  generation_.sampling.num_logprobs >= 0)) +
              "\n");
      }
      if (answer.finish == FinishReason::kError) {
        failed_ = true;
        fmt::print(stderr, "weir: error: prompt {}: {}\n", next_ + 1, answer.error);
      }
      ++next_;
      printed_ = 0;
    }
  }

  void PrintText(const Answer& answer, bool finished) {
    const size_t count = generation_.prompts.size();
    if (count == 1) {
      Write(answer.text.substr(printed_));
      printed_ = answer.text.size();
      if (finished) Write("\n");
    } else if (finished) {
      Write(fmt::format("--- {} of {}: {}\n{}\n", next_ + 1, count,
                        DumpJson(generation_.prompts[next_]), answer.text));
    }
  }

  void Write(const std::string& text) {
    if (output_gone_ || text.empty()) return;
    const bool written = std::fwrite(text.data(), 1, text.size(), stdout) == text.size();
    if (!written || std::fflush(stdout) != 0) output_gone_ = true;
  }

  Engine& engine_;
  const Generation& generation_;
  Answers answers_;
  size_t next_ = 0;     // the first prompt whose answer is not printed to its end
  size_t printed_ = 0;  // bytes of its text on the output
  bool cancelled_ = false;
  bool failed_ = false;
  bool output_gone_ = false;
};

}  // namespace

Result<int> RunGeneration(Engine& engine, const Generation& generation) {
  return Runner(engine, generation).Run();
}

}  // namespace weir
