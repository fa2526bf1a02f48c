// SPDX-License-Identifier: Apache-2.0
//
// What tokenizer_config.json says of conversations: the chat template and the tokens that templates
// know by role.
#ifndef WEIR_LOADER_TOKENIZER_CONFIG_H_
#define WEIR_LOADER_TOKENIZER_CONFIG_H_

#include <string>

#include <weir/result.h>

#include "base/json.h"

namespace weir {

// chat_template: one template, or a list of named ones of which "default" is for chat. Empty when
// there is none.
Result<std::string> ParseChatTemplate(const Json& json, const std::string& path);

// bos_token, eos_token, unk_token, sep_token, pad_token, cls_token and mask_token, as far as they
// are set: an object from name to the token's text, as templates see it.
Result<Json> ParseSpecialTokens(const Json& json, const std::string& path);

struct ChatFiles {
  std::string
      chat_template;  // of chat_template.jinja, else of tokenizer_config.json; at most 1 MiB
  Json special_tokens = Json::object();
};

// Absent files give nothing.
Result<ChatFiles> LoadChatFiles(const std::string& folder);

}  // namespace weir

#endif  // WEIR_LOADER_TOKENIZER_CONFIG_H_
