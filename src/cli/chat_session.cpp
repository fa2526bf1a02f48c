// SPDX-License-Identifier: Apache-2.0
#include "cli/chat_session.h"

#include <utility>

#include "base/clock.h"
#include "base/mutex.h"

namespace weir {
namespace {

// Between looks at whether the user wants the answer to stop: an interrupt wakes nobody.
constexpr int kPollMs = 50;

// Filled by the engine thread, emptied by the thread that shows.
class Inflow {
 public:
  void Take(const Delta& delta) {
    MutexLock lock(mutex_);
    text_ += delta.text;
    if (answer_.num_tokens == 0 && !delta.tokens.empty()) first_token_ = NowSeconds();
    answer_.num_tokens += static_cast<int64_t>(delta.tokens.size());
    if (!delta.tokens.empty()) answer_.num_cached_tokens = delta.num_cached_tokens;
    answer_.finish = delta.finish;
    answer_.error = delta.error;
    changed_.NotifyOne();
  }

  // The text since the last call; waits for news at most kPollMs.
  std::string Next(bool& finished) {
    MutexLock lock(mutex_);
    if (text_.empty() && answer_.finish == FinishReason::kNone) changed_.WaitFor(mutex_, kPollMs);
    finished = answer_.finish != FinishReason::kNone;
    return std::exchange(text_, {});
  }

  ChatAnswer Answer(double submitted) {
    MutexLock lock(mutex_);
    ChatAnswer answer = answer_;
    answer.seconds = NowSeconds() - submitted;
    answer.seconds_to_first = answer.num_tokens > 0 ? first_token_ - submitted : 0;
    return answer;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::string text_ WEIR_GUARDED_BY(mutex_);
  ChatAnswer answer_ WEIR_GUARDED_BY(mutex_);
  double first_token_ WEIR_GUARDED_BY(mutex_) = 0;
};

}  // namespace

ChatSession::ChatSession(Engine& engine, ChatSettings settings)
    : engine_(engine), settings_(std::move(settings)) {
  Reset();
}

void ChatSession::Reset() {
  messages_ = Json::array();
  if (settings_.system.empty()) return;
  messages_.push_back({{"role", "system"}, {"content", settings_.system}});
}

std::string ChatSession::Variables() const {
  Json variables = {{"messages", messages_}, {"add_generation_prompt", true}};
  if (settings_.thinking) variables["enable_thinking"] = *settings_.thinking;
  return DumpJson(variables);
}

Result<ChatAnswer> ChatSession::Ask(const std::string& message,
                                    const std::function<bool(std::string)>& show,
                                    const std::function<bool()>& stopped) {
  messages_.push_back({{"role", "user"}, {"content", message}});
  const auto refuse = [this](const Error& error) {
    messages_.erase(messages_.size() - 1);
    return tl::unexpected(error);
  };
  auto prompt = engine_.RenderChat(
      {.variables = Variables(),
       .allow_special_tokens_in_content = settings_.allow_special_tokens_in_content});
  if (!prompt) return refuse(prompt.error());
  const auto num_prompt_tokens = static_cast<int64_t>(prompt->tokens.size());
  Inflow inflow;
  const double submitted = NowSeconds();
  const auto id = engine_.Submit({.prompt = std::move(prompt->tokens),
                                  .sampling = settings_.sampling,
                                  .on_delta = [&inflow](const Delta& d) { inflow.Take(d); }});
  if (!id) return refuse(id.error());
  std::string answered;
  bool cancelled = false;
  // To the end in any case: the engine refers to `inflow`.
  for (bool finished = false; !finished;) {
    const std::string text = inflow.Next(finished);
    answered += text;
    const bool read = text.empty() || cancelled || show(text);
    if (!cancelled && (!read || stopped())) {
      cancelled = true;
      engine_.Cancel(*id);
    }
  }
  ChatAnswer answer = inflow.Answer(submitted);
  answer.num_prompt_tokens = num_prompt_tokens;
  if (answer.finish == FinishReason::kError && answered.empty()) {
    return refuse({Code::kUnavailable, answer.error});
  }
  messages_.push_back({{"role", "assistant"}, {"content", answered}});
  return answer;
}

}  // namespace weir
