// SPDX-License-Identifier: Apache-2.0
#include "server/api/sampling_fields.h"

#include <charconv>
#include <cmath>

#include "sampling/sampler.h"
#include "server/api/generation_request.h"

namespace weir {
namespace {

template <class T, class Value>
void SetIf(T& target, const std::optional<Value>& value) {
  if (value) target = static_cast<T>(*value);
}

std::optional<TokenId> TokenOf(std::string_view text, int32_t vocab_size) {
  TokenId token = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), token);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (token < 0 || token >= vocab_size) return std::nullopt;
  return token;
}

void ReadLogitBias(FieldReader& fields, int32_t vocab_size, SamplingParams& params) {
  const Json* value = fields.Find("logit_bias");
  if (value == nullptr) return;
  if (!value->is_object()) {
    return fields.Fail("logit_bias", ShortJson(*value) + ", wanted an object of token id to bias");
  }
  if (value->size() > kMaxLogitBiases) {
    return fields.Fail(
        "logit_bias", fmt::format("{} entries, wanted at most {}", value->size(), kMaxLogitBiases));
  }
  for (const auto& [name, bias] : value->items()) {
    const std::optional<TokenId> token = TokenOf(name, vocab_size);
    if (!token) {
      return fields.Fail("logit_bias", fmt::format("key {}, wanted a token id from 0 to {}",
                                                   ShortJson(name), vocab_size - 1));
    }
    if (!bias.is_number() || !(std::abs(bias.get<double>()) <= kMaxLogitBias)) {
      return fields.Fail("logit_bias",
                         fmt::format("{} for token {}, wanted a number from {} to {}",
                                     ShortJson(bias), *token, -kMaxLogitBias, kMaxLogitBias));
    }
    for (const auto& [other, unused] : params.logit_bias) {
      if (other == *token) {  // "7" and "007"
        return fields.Fail("logit_bias", fmt::format("token {} stands twice, wanted once", *token));
      }
    }
    params.logit_bias.emplace_back(*token, bias.get<float>());
  }
}

void AddStop(FieldReader& fields, const Json& value, std::vector<std::string>& stops) {
  if (!value.is_string()) {
    return fields.Fail("stop", ShortJson(value) + ", wanted a string or an array of strings");
  }
  const auto& text = value.get_ref<const std::string&>();
  if (text.empty() || text.size() > kMaxStopBytes) {
    return fields.Fail(
        "stop", fmt::format("a string of {} bytes, wanted 1 to {}", text.size(), kMaxStopBytes));
  }
  stops.push_back(text);
}

void ReadStops(FieldReader& fields, std::vector<std::string>& stops) {
  const Json* value = fields.Find("stop");
  if (value == nullptr) return;
  if (!value->is_array()) return AddStop(fields, *value, stops);
  if (value->size() > kMaxStopStrings) {
    return fields.Fail(
        "stop", fmt::format("{} strings, wanted at most {}", value->size(), kMaxStopStrings));
  }
  for (const Json& stop : *value) AddStop(fields, stop, stops);
}

void ReadStopTokens(FieldReader& fields, const EngineInfo& engine, std::vector<TokenId>& tokens) {
  const Json* value = fields.Find("stop_token_ids");
  if (value == nullptr) return;
  if (value->is_array() && value->size() > kMaxStopTokens) {
    return fields.Fail("stop_token_ids",
                       fmt::format("{} entries, wanted at most {}", value->size(), kMaxStopTokens));
  }
  tokens = ReadTokens(fields, *value, "stop_token_ids", engine);
}

}  // namespace

SamplingParams ReadSampling(FieldReader& fields, const EngineInfo& engine) {
  SamplingParams params = engine.default_sampling;
  SetIf(params.temperature, fields.Number("temperature"));
  SetIf(params.top_p, fields.Number("top_p"));
  if (const std::optional<int64_t> top_k = fields.Int("top_k")) {
    params.top_k = static_cast<int32_t>(std::max<int64_t>(*top_k, 0));
  }
  SetIf(params.min_p, fields.Number("min_p"));
  SetIf(params.repetition_penalty, fields.Number("repetition_penalty"));
  SetIf(params.presence_penalty, fields.Number("presence_penalty"));
  SetIf(params.frequency_penalty, fields.Number("frequency_penalty"));
  const std::optional<int64_t> seed = fields.Int("seed");
  if (seed && *seed != -1) params.seed = static_cast<uint64_t>(*seed);  // -1: as in vLLM, none
  SetIf(params.min_tokens, fields.Int("min_tokens"));
  SetIf(params.ignore_eos, fields.Bool("ignore_eos"));
  SetIf(params.include_stop, fields.Bool("include_stop_str_in_output"));
  ReadLogitBias(fields, engine.vocab_size, params);
  ReadStops(fields, params.stop);
  ReadStopTokens(fields, engine, params.stop_token_ids);
  return params;
}

}  // namespace weir
