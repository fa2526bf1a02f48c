// SPDX-License-Identifier: Apache-2.0
//
// EngineCore::WarmUp.
#include <algorithm>

#include "engine/engine_core.h"
#include "engine/step_timer.h"

namespace weir {
namespace {

constexpr int32_t kPrefillLen = 64;       // tokens
constexpr int64_t kMostMicros = 250'000;  // that steps are started in

// A sequence of `num_tokens` tokens that owns no page: what it writes nobody reads. The pages of
// several are interleaved, so that each ends in a page of its own.
std::unique_ptr<Sequence> MadeUpSequence(int32_t index, int32_t count, int32_t num_tokens,
                                         int32_t num_pages, int32_t page_len,
                                         const SequenceContext& context) {
  Request request;
  request.prompt.assign(static_cast<size_t>(num_tokens), 0);
  request.sampling.max_tokens = 1;
  // Ids of requests are positive.
  auto sequence = std::move(MakeSequences(-1 - index, std::move(request), 0, 0, context)[0]);
  sequence->Start(page_len);
  for (int32_t i = 0; i < PagesFor(num_tokens, page_len); ++i) {
    sequence->pages().push_back(PageId{(i * count + index) % num_pages});
  }
  return sequence;
}

}  // namespace

void EngineCore::RunMadeUp(std::span<const StepPart> parts, bool observe) {
  StepLoad load;
  for (const StepPart& part : parts) load.Add(part.begin, part.end, part.wants_logits);
  const int64_t begin_us = SteadyMicros();
  const StepPlan step = {.parts = parts, .load = load};
  Sample(step, Forward(capture_.Prepare(step)));
  if (observe) cost_model_.Observe(load, static_cast<double>(SteadyMicros() - begin_us));
}

// The first step finds cold memory and is not observed. A slow model gets fewer steps.
double EngineCore::WarmUp(const SequenceContext& context) {
  const int32_t page_len = pages_.page_len();
  const int32_t num_pages = kv_.num_pages();
  const int32_t capacity = std::max(1, std::min(context.max_model_len - 1, num_pages * page_len));
  const int32_t num_decodes = std::min({kReferenceDecodes, num_pages, scheduler_.max_seqs()});
  const int64_t begin_us = SteadyMicros();
  for (int32_t i = 0; i < 5; ++i) {
    if (i > 1 && SteadyMicros() - begin_us > kMostMicros) break;
    const bool prefill = i == 2;
    const int32_t count = prefill ? 1 : num_decodes;
    const int32_t num_tokens = std::min(
        capacity, prefill ? std::min(kPrefillLen, scheduler_.max_step_tokens()) : kReferenceKvLen);
    std::vector<std::unique_ptr<Sequence>> sequences;
    std::vector<StepPart> parts;
    for (int32_t s = 0; s < count; ++s) {
      sequences.push_back(MadeUpSequence(s, count, num_tokens, num_pages, page_len, context));
      parts.push_back({.sequence = sequences.back().get(),
                       .begin = prefill ? 0 : num_tokens - 1,
                       .end = num_tokens,
                       .wants_logits = true});
    }
    RunMadeUp(parts, /*observe=*/i > 0);
  }
  Publish();
  return cost_model_.PredictUs(ReferenceDecodes());
}

}  // namespace weir
