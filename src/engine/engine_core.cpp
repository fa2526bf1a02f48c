// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_core.h"

#include <utility>

namespace weir {

EngineCore::EngineCore(EngineCoreParts parts)
    : model_(parts.model),
      pool_(parts.pool),
      kv_(std::move(parts.kv)),
      arena_(std::move(parts.arena)),
      pages_(kv_.num_pages()),
      scheduler_(parts.scheduler),
      builder_({.page_len = kv_.shape().page_len,
                .max_rows = parts.scheduler.max_step_tokens,
                .max_seqs = parts.scheduler.max_seqs,
                .num_pages = kv_.num_pages()}),
      attn_(std::move(parts.attn)) {
  sampler_scratch_.reserve(static_cast<size_t>(pool_.num_threads()));
  for (int32_t i = 0; i < pool_.num_threads(); ++i) {
    sampler_scratch_.emplace_back(model_.config().vocab_size);
  }
  sampled_.reserve(parts.scheduler.max_seqs);
}

// Start reading Weir here.
bool EngineCore::Step() noexcept {
  TakeIn(inbox_.Drain(/*wait=*/false));           // Request  -> Sequence
  const StepPlan step = scheduler_.Next(pages_);  // Sequence -> StepPlan
  if (step.empty()) return false;

  const ForwardBatch batch = builder_.Build(step);  // StepPlan -> ForwardBatch
  const AttnPlan plan = PlanAttention(batch);       // lengths  -> AttnPlan
  const Stream stream = {.pool = &pool_};
  const Tensor logits =  // batch    -> logits
      model_.Forward(batch, plan, attn_.workspace, kv_, arena_, stream);
  Sample(step, logits);             // logits   -> tokens, text
  scheduler_.Commit(step, pages_);  // tokens   -> Delta
  arena_.Rewind();
  return true;
}

void EngineCore::Run() noexcept {
  const CallerPin pin(pool_);
  while (!stopping_) {
    if (!Step()) TakeIn(inbox_.Drain(/*wait=*/true));
  }
}

AttnPlan EngineCore::PlanAttention(const ForwardBatch& batch) {
  return attn_.planner.Next({.row_begin = batch.row_begin,
                             .kv_len = batch.kv_len,
                             .pages = batch.pages,
                             .page_begin = batch.page_begin,
                             .page_len = kv_.shape().page_len});
}

void EngineCore::TakeIn(Inbox::Content content) {
  for (auto& sequence : content.added) scheduler_.Add(std::move(sequence));
  for (const RequestId id : content.cancelled) scheduler_.Cancel(id, pages_);
  if (!content.stop || stopping_) return;
  stopping_ = true;
  scheduler_.CancelAll(pages_);
}

// Sequences sample beside each other: each has its own random stream, so order does not matter.
void EngineCore::Sample(const StepPlan& step, const Tensor& logits) {
  sampled_.clear();
  for (const StepPart& part : step.parts) {
    if (part.wants_logits) sampled_.push_back(part.sequence);
  }
  const int64_t vocab = logits.shape[1];
  pool_.ForItems(static_cast<int64_t>(sampled_.size()), [&](int64_t i, int32_t worker) {
    const std::span<float> row(logits.as<float>() + i * vocab, static_cast<size_t>(vocab));
    sampled_[i]->Advance(row, sampler_scratch_[worker]);
  });
}

}  // namespace weir
