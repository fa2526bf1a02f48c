// SPDX-License-Identifier: Apache-2.0
#include "sampling/penalties.h"

#include <algorithm>

#include "base/check.h"

namespace weir {

Penalties::Penalties(const SamplingParams& params, std::span<const TokenId> prompt,
                     int32_t vocab_size)
    : repetition_(params.repetition_penalty),
      presence_(params.presence_penalty),
      frequency_(params.frequency_penalty),
      on_(repetition_ != 1.0f || presence_ != 0.0f || frequency_ != 0.0f) {
  if (!on_) return;
  place_.assign(static_cast<size_t>(vocab_size), -1);
  seen_.reserve(std::min(static_cast<size_t>(vocab_size),
                         prompt.size() + static_cast<size_t>(params.max_tokens)));
  // The prompt matters to repetition only.
  if (repetition_ == 1.0f) return;
  for (const TokenId token : prompt) {
    WEIR_CHECK(token >= 0 && token < vocab_size);
    Find(token);
  }
}

Penalties::Seen& Penalties::Find(TokenId token) {
  int32_t& place = place_[static_cast<size_t>(token)];
  if (place < 0) {
    place = static_cast<int32_t>(seen_.size());
    seen_.push_back({token, 0});
  }
  return seen_[static_cast<size_t>(place)];
}

void Penalties::CountOutput(TokenId token) {
  if (on_) ++Find(token).output_count;
}

void Penalties::Apply(std::span<float> logits) const {
  for (const Seen& seen : seen_) {
    float& logit = logits[static_cast<size_t>(seen.token)];
    if (repetition_ != 1.0f) logit = logit > 0.0f ? logit / repetition_ : logit * repetition_;
    if (seen.output_count == 0) continue;
    logit -= frequency_ * static_cast<float>(seen.output_count);
    logit -= presence_;
  }
}

}  // namespace weir
