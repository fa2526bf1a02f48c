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

Sequence::Sequence(RequestId id, int32_t index, std::shared_ptr<RequestState> state,
                   std::vector<TokenId> prompt, uint64_t seed, const SequenceContext& context)
    : id_(id),
      index_(index),
      state_(std::move(state)),
      max_output_(std::min(request().sampling.max_tokens,
                           context.max_model_len - static_cast<int32_t>(prompt.size()))),
      vocab_size_(context.vocab_size),
      seed_(seed),
      stop_ids_(StopIds(request().sampling, context.eos_ids)),
      tokens_(std::move(prompt)),
      detokenizer_(context.tokenizer, /*skip_special=*/true),
      stop_(request().sampling.stop, request().sampling.include_stop) {
  delta_.request = id_;
  delta_.index = index_;
}

void Sequence::Start(int32_t page_len) {
  state_->started = true;
  if (started()) return;
  table_.pages.reserve(static_cast<size_t>(max_computed() / page_len) + 1);
  tokens_.reserve(static_cast<size_t>(num_prompt()) + max_output_);
  delta_.tokens.reserve(1);
  sampler_.emplace(request().sampling, seed_, tokens_, vocab_size_);
}

void Sequence::MarkScheduled(int64_t now_us) {
  if (state_->scheduled_us == 0) state_->scheduled_us = now_us;
}

void Sequence::Restart() { num_computed_ = 0; }

int32_t Sequence::MarkComputed(int32_t count) {
  const int32_t before = num_computed_;
  num_computed_ += count;
  const int32_t again = std::clamp(num_once_computed_ - before, 0, count);
  num_once_computed_ = std::max(num_once_computed_, num_computed_);
  return again;
}

// What the first output finds is what the request found; its later outputs find what that computed.
void Sequence::MarkFound(int32_t count) {
  num_computed_ = count;
  num_once_computed_ = std::max(num_once_computed_, count);
  if (!state_->started) state_->num_cached_tokens = count;
}

bool Sequence::IsStopToken(TokenId token) const {
  return std::find(stop_ids_.begin(), stop_ids_.end(), token) != stop_ids_.end();
}

void Sequence::Advance(std::span<float> logits, SamplerScratch& scratch) {
  const bool may_stop = num_output() >= request().sampling.min_tokens;
  auto chosen = sampler_->Next(logits, may_stop ? std::span<const TokenId>() : stop_ids_, scratch);
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
  if (!stops || request().sampling.include_stop) {
    const std::string text = detokenizer_.Push(token);
    // Stop strings count from min_tokens on; what came before can neither stop nor be held back.
    delta_.text += num_output() < request().sampling.min_tokens ? text : stop_.Push(text);
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

void Sequence::Emit(const StepStamp& stamp) {
  if (finished()) --state_->num_open;
  delta_.last = finished() && state_->num_open == 0;
  delta_.step = stamp.step;
  delta_.time_us = stamp.time_us;
  delta_.scheduled_us = state_->scheduled_us;
  delta_.num_cached_tokens = state_->num_cached_tokens;
  if (request().on_delta) request().on_delta(delta_);
  delta_.tokens.clear();
  delta_.text.clear();
}

std::vector<std::unique_ptr<Sequence>> MakeSequences(RequestId id, Request request, uint64_t seed,
                                                     int64_t arrived_us,
                                                     const SequenceContext& context) {
  const std::vector<TokenId> prompt = std::move(request.prompt);
  auto state = std::make_shared<RequestState>();
  state->num_prompt = static_cast<int32_t>(prompt.size());
  state->num_open = request.n;
  state->arrived_us = arrived_us;
  state->request = std::move(request);
  std::vector<std::unique_ptr<Sequence>> outputs;
  for (int32_t i = 0; i < state->num_open; ++i) {
    outputs.push_back(
        std::make_unique<Sequence>(id, i, state, prompt, seed + static_cast<uint64_t>(i), context));
  }
  return outputs;
}

}  // namespace weir
