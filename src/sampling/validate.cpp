// SPDX-License-Identifier: Apache-2.0
//
// The ranges of SamplingParams.
#include <cmath>
#include <unordered_set>

#include "base/error.h"
#include "sampling/sampler.h"

namespace weir {
namespace {

template <class T>
tl::unexpected<Error> Refuse(std::string_view field, const T& value, std::string_view wanted) {
  return Err(Code::kInvalidRequest, field, ": ", value, ", wanted ", wanted);
}

// Each comparison is written so that NaN fails it.
Status ValidateDistribution(const SamplingParams& p) {
  const auto within = [](float x, float low, float high) { return x >= low && x <= high; };
  if (!(p.temperature >= 0.0f && std::isfinite(p.temperature))) {
    return Refuse("temperature", p.temperature, "a finite number of at least 0");
  }
  if (p.top_k < 0) return Refuse("top_k", p.top_k, "at least 0, which means all");
  if (!(p.top_p > 0.0f && p.top_p <= 1.0f)) {
    return Refuse("top_p", p.top_p, "above 0 and at most 1");
  }
  if (!within(p.min_p, 0.0f, 1.0f)) return Refuse("min_p", p.min_p, "0 to 1");
  if (!(p.repetition_penalty > 0.0f && std::isfinite(p.repetition_penalty))) {
    return Refuse("repetition_penalty", p.repetition_penalty, "a finite number above 0");
  }
  if (!within(p.presence_penalty, -2.0f, 2.0f)) {
    return Refuse("presence_penalty", p.presence_penalty, "-2 to 2");
  }
  if (!within(p.frequency_penalty, -2.0f, 2.0f)) {
    return Refuse("frequency_penalty", p.frequency_penalty, "-2 to 2");
  }
  return Ok();
}

Status ValidateToken(std::string_view field, TokenId token, int32_t vocab_size) {
  if (token >= 0 && token < vocab_size) return Ok();
  return Refuse(field, token, fmt::format("a token id from 0 to {}", vocab_size - 1));
}

Status ValidateCount(std::string_view field, size_t count, size_t most) {
  if (count <= most) return Ok();
  return Err(Code::kInvalidRequest, field, ": ", count, " entries, wanted at most ", most);
}

Status ValidateBias(const SamplingParams& p, int32_t vocab_size) {
  WEIR_RETURN_IF_ERROR(ValidateCount("logit_bias", p.logit_bias.size(), kMaxLogitBiases));
  std::unordered_set<TokenId> seen;
  for (const auto& [token, bias] : p.logit_bias) {
    WEIR_RETURN_IF_ERROR(ValidateToken("logit_bias", token, vocab_size));
    if (!(std::abs(bias) <= kMaxLogitBias)) {
      return Err(Code::kInvalidRequest, "logit_bias: ", bias, " for token ", token, ", wanted ",
                 -kMaxLogitBias, " to ", kMaxLogitBias);
    }
    if (!seen.insert(token).second) {
      return Err(Code::kInvalidRequest, "logit_bias: token ", token, " stands twice, wanted once");
    }
  }
  return Ok();
}

Status ValidateLengths(const SamplingParams& p) {
  if (p.max_tokens < 1) return Refuse("max_tokens", p.max_tokens, "at least 1");
  if (p.min_tokens < 0 || p.min_tokens > p.max_tokens) {
    return Refuse("min_tokens", p.min_tokens, fmt::format("0 to max_tokens, {}", p.max_tokens));
  }
  if (p.num_logprobs < -1 || p.num_logprobs > kMaxLogprobs) {
    return Refuse("num_logprobs", p.num_logprobs,
                  fmt::format("-1, which means none, to {}", kMaxLogprobs));
  }
  return Ok();
}

Status ValidateStops(const SamplingParams& p, int32_t vocab_size) {
  WEIR_RETURN_IF_ERROR(ValidateCount("stop_token_ids", p.stop_token_ids.size(), kMaxStopTokens));
  for (const TokenId token : p.stop_token_ids) {
    WEIR_RETURN_IF_ERROR(ValidateToken("stop_token_ids", token, vocab_size));
  }
  WEIR_RETURN_IF_ERROR(ValidateCount("stop", p.stop.size(), kMaxStopStrings));
  for (const std::string& stop : p.stop) {
    if (!stop.empty() && stop.size() <= kMaxStopBytes) continue;
    return Err(Code::kInvalidRequest, "stop: a string of ", stop.size(), " bytes, wanted 1 to ",
               kMaxStopBytes);
  }
  return Ok();
}

}  // namespace

Status ValidateSampling(const SamplingParams& params, int32_t vocab_size) {
  WEIR_RETURN_IF_ERROR(ValidateDistribution(params));
  WEIR_RETURN_IF_ERROR(ValidateBias(params, vocab_size));
  WEIR_RETURN_IF_ERROR(ValidateLengths(params));
  return ValidateStops(params, vocab_size);
}

}  // namespace weir
