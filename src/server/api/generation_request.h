// SPDX-License-Identifier: Apache-2.0
//
// A request for text as it was asked, every value checked: what /v1/completions and
// /v1/chat/completions have in common once their JSON has been read.
#ifndef WEIR_SERVER_API_GENERATION_REQUEST_H_
#define WEIR_SERVER_API_GENERATION_REQUEST_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <weir/engine.h>

#include "server/api/api_error.h"
#include "server/api/field_reader.h"
#include "server/api_options.h"

namespace weir {

// What requests are checked against. All of it outlives every request.
struct RequestLimits {
  const ApiOptions& options;
  const EngineInfo& engine;
  const std::vector<std::string>& model_names;  // at least one
};

using TextOrTokens = std::variant<std::string, std::vector<TokenId>>;

struct GenerationRequest {
  bool is_chat = false;
  std::string model;                  // the name that the reply carries
  std::vector<TextOrTokens> prompts;  // of completions
  ChatInput chat;                     // of chats

  SamplingParams sampling;            // max_tokens is decided once the prompts' lengths are known
  std::optional<int32_t> max_tokens;  // 0 only with echo
  int32_t n = 1;
  bool echo = false;
  bool stream = false;
  bool include_usage = false;
  bool continuous_usage = false;
  bool return_token_ids = false;
  int32_t priority = 0;
  std::string cache_salt;
  int num_unknown_fields = 0;
};

ApiResult<GenerationRequest> ParseCompletion(const Json& body, const RequestLimits& limits);
ApiResult<GenerationRequest> ParseChat(const Json& body, const RequestLimits& limits);

// Parts of the above that other requests share.

// The name asked for, or the first; an unknown one fails with status 404.
std::string ReadModel(FieldReader& fields, const RequestLimits& limits);

// `value` as token ids of the vocabulary; `name` is the field's in messages.
std::vector<TokenId> ReadTokens(FieldReader& fields, const Json& value, std::string_view name,
                                const EngineInfo& engine);

// messages, add_generation_prompt and chat_template_kwargs.
ChatInput ReadChatInput(FieldReader& fields, const RequestLimits& limits);

}  // namespace weir

#endif  // WEIR_SERVER_API_GENERATION_REQUEST_H_
