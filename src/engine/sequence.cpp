// SPDX-License-Identifier: Apache-2.0
#include "engine/sequence.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

std::vector<TokenId> StopIds(const SamplingParams& params, std::span<const TokenId> eos_ids) {
  std::vector<TokenId> ids = params.stop_token_ids;
  if (!params.ignore_eos) ids.insert(ids.end(), eos_ids.begin(), eos_ids.end());
  return ids;
}

}  // namespace

Sequence::Sequence(RequestId id, Request request, uint64_t seed, const SequenceContext& context)
    : id_(id),
      request_(std::move(request)),
      num_prompt_(static_cast<int32_t>(request_.prompt.size())),
      max_output_(std::min(request_.sampling.max_tokens, context.max_model_len - num_prompt_)),
      stop_ids_(StopIds(request_.sampling, context.eos_ids)),
      tokens_(std::move(request_.prompt)),
      sampler_(request_.sampling, seed, tokens_, context.vocab_size),
      detokenizer_(context.tokenizer, /*skip_special=*/true),
      stop_(request_.sampling.stop, request_.sampling.include_stop) {
  tokens_.reserve(tokens_.size() + max_output_);
  delta_.request = id_;
  delta_.tokens.reserve(1);
}

bool Sequence::IsStopToken(TokenId token) const {
  return std::find(stop_ids_.begin(), stop_ids_.end(), token) != stop_ids_.end();
}

void Sequence::Advance(std::span<float> logits, SamplerScratch& scratch) {
  const bool may_stop = num_output() >= request_.sampling.min_tokens;
  auto chosen = sampler_.Next(logits, may_stop ? std::span<const TokenId>() : stop_ids_, scratch);
  if (!chosen) {
    End(FinishReason::kError, std::move(chosen.error().message));
    return;
  }
  const TokenId token = chosen->token;
  tokens_.push_back(token);
  delta_.tokens.push_back(std::move(*chosen));

  const bool stops = IsStopToken(token);
  AppendText(token, stops);
  if (stops || stop_.matched()) {
    delta_.finish = FinishReason::kStop;
  } else if (num_output() >= max_output_) {
    delta_.finish = FinishReason::kLength;
    delta_.text += stop_.Push(detokenizer_.Flush());
    delta_.text += stop_.Flush();
  }
}

// A token that stops is not text of the answer, unless the caller wants to see what stopped it.
void Sequence::AppendText(TokenId token, bool stops) {
  if (!stops || request_.sampling.include_stop) {
    const std::string text = detokenizer_.Push(token);
    // Stop strings count from min_tokens on; what came before can neither stop nor be held back.
    delta_.text += num_output() < request_.sampling.min_tokens ? text : stop_.Push(text);
  }
  if (stops) {
    delta_.text += stop_.Push(detokenizer_.Flush());
    delta_.text += stop_.Flush();
  }
}

void Sequence::End(FinishReason reason, std::string error) {
  delta_.text += stop_.Flush();
  delta_.finish = reason;
  delta_.error = std::move(error);
}

void Sequence::Emit() {
  if (request_.on_delta) request_.on_delta(delta_);
  delta_.tokens.clear();
  delta_.text.clear();
}

}  // namespace weir
