// SPDX-License-Identifier: Apache-2.0
//
// A conversation with an engine: remembers what was said, and asks for one answer at a time.
#ifndef WEIR_CLI_CHAT_SESSION_H_
#define WEIR_CLI_CHAT_SESSION_H_

#include <functional>
#include <optional>
#include <string>

#include <weir/engine.h>

#include "base/json.h"

namespace weir {

struct ChatSettings {
  std::string system;            // empty: none
  std::optional<bool> thinking;  // enable_thinking of the template; none: its default
  bool allow_special_tokens_in_content = false;
  SamplingParams sampling;
};

struct ChatAnswer {
  FinishReason finish = FinishReason::kNone;
  std::string error;  // when finish is kError
  int64_t num_prompt_tokens = 0;
  int64_t num_cached_tokens = 0;  // of these
  int64_t num_tokens = 0;
  double seconds_to_first = 0;
  double seconds = 0;
};

class ChatSession {
 public:
  ChatSession(Engine& engine, ChatSettings settings);

  // Shows the answer through `show` as it comes, on this thread; `show` returns false when nobody
  // reads any more. Stops when `stopped` says so, which is asked several times a second. The
  // message and what was answered become part of the conversation, unless nothing was answered
  // because the message was refused.
  Result<ChatAnswer> Ask(const std::string& message, const std::function<bool(std::string)>& show,
                         const std::function<bool()>& stopped);

  // Forgets all but the system message.
  void Reset();

 private:
  std::string Variables() const;

  Engine& engine_;
  const ChatSettings settings_;
  Json messages_;
};

}  // namespace weir

#endif  // WEIR_CLI_CHAT_SESSION_H_
