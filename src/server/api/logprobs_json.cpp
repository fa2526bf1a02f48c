// SPDX-License-Identifier: Apache-2.0
#include "server/api/logprobs_json.h"

#include <algorithm>

namespace weir {
namespace {

// JSON has no infinity; vLLM's clients know this number.
double Finite(float logprob) { return std::max(static_cast<double>(logprob), -9999.0); }

Json TokenJson(const Engine& engine, TokenId token, float logprob) {
  Json bytes = Json::array();
  for (const char c : engine.TokenBytes(token)) bytes.push_back(static_cast<unsigned char>(c));
  return {{"token", engine.Decode({token})}, {"logprob", Finite(logprob)}, {"bytes", bytes}};
}

}  // namespace

int64_t CountCharacters(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

Json ChatLogprobs(const Engine& engine, const std::vector<OutputToken>& tokens, int32_t num_top) {
  Json content = Json::array();
  for (const OutputToken& token : tokens) {
    Json entry = TokenJson(engine, token.token, token.logprob);
    Json top = Json::array();
    for (const TokenLogprob& other : token.top) {
      if (static_cast<int32_t>(top.size()) == num_top) break;
      top.push_back(TokenJson(engine, other.token, other.logprob));
    }
    entry["top_logprobs"] = std::move(top);
    content.push_back(std::move(entry));
  }
  return {{"content", std::move(content)}};
}

Json CompletionLogprobs(const Engine& engine, const std::vector<OutputToken>& tokens,
                        int64_t& offset) {
  Json offsets = Json::array(), logprobs = Json::array(), texts = Json::array(),
       tops = Json::array();
  for (const OutputToken& token : tokens) {
    const std::string text = engine.Decode({token.token});
    Json top = {{text, Finite(token.logprob)}};
    for (const TokenLogprob& other : token.top) {
      top[engine.Decode({other.token})] = Finite(other.logprob);
    }
    offsets.push_back(offset);
    logprobs.push_back(Finite(token.logprob));
    texts.push_back(text);
    tops.push_back(std::move(top));
    offset += CountCharacters(text);
  }
  return {{"text_offset", std::move(offsets)},
          {"token_logprobs", std::move(logprobs)},
          {"tokens", std::move(texts)},
          {"top_logprobs", std::move(tops)}};
}

}  // namespace weir
