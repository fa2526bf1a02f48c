// SPDX-License-Identifier: Apache-2.0
//
// Log-probabilities in the two forms that OpenAI has for them.
#ifndef WEIR_SERVER_API_LOGPROBS_JSON_H_
#define WEIR_SERVER_API_LOGPROBS_JSON_H_

#include <cstdint>
#include <vector>

#include <weir/engine.h>

#include "base/json.h"

namespace weir {

// {"content": [{"token", "logprob", "bytes", "top_logprobs": [...]}]}. `num_top` alternatives each.
Json ChatLogprobs(const Engine& engine, const std::vector<OutputToken>& tokens, int32_t num_top);

// {"text_offset", "token_logprobs", "tokens", "top_logprobs"}, all arrays. Offsets count characters
// from `offset` on, which is moved along. The chosen token stands among the alternatives.
Json CompletionLogprobs(const Engine& engine, const std::vector<OutputToken>& tokens,
                        int64_t& offset);

int64_t CountCharacters(std::string_view utf8);

}  // namespace weir

#endif  // WEIR_SERVER_API_LOGPROBS_JSON_H_
