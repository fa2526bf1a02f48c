// SPDX-License-Identifier: Apache-2.0
//
// From what was asked to the token ids that the engine takes, with every length checked.
#ifndef WEIR_SERVER_API_PROMPT_BUILDER_H_
#define WEIR_SERVER_API_PROMPT_BUILDER_H_

#include <string>
#include <vector>

#include "server/api/generation_request.h"

namespace weir {

struct Prompt {
  std::vector<TokenId> tokens;
  std::string text;  // empty where the request gave token ids and does not want them back as text
};

class PromptBuilder {
 public:
  // `engine` must outlive the builder.
  explicit PromptBuilder(const Engine& engine);

  // All prompts of the request. A text that cannot fit into the context is refused unread: cutting
  // text into tokens takes time, and anybody can send much of it.
  ApiResult<std::vector<Prompt>> Build(const GenerationRequest& request) const;

  // One text, or one conversation.
  ApiResult<Prompt> FromText(std::string text, std::string_view field) const;
  ApiResult<Prompt> FromChat(const ChatInput& chat) const;

  // The output tokens that `request` may have after a prompt of that length: what it asked for, or
  // what the context has room for. Both together must fit.
  ApiResult<int32_t> MaxTokens(const GenerationRequest& request, size_t prompt_len) const;

 private:
  ApiResult<Prompt> BuildOne(const TextOrTokens& prompt, bool echo) const;

  const Engine* engine_;
  size_t max_text_bytes_;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_PROMPT_BUILDER_H_
