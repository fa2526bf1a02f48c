// SPDX-License-Identifier: Apache-2.0
#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {

Scheduler::Scheduler(const SchedulerOptions& options) : options_(options) {
  WEIR_CHECK_GT(options.max_seqs, 0);
  WEIR_CHECK_GE(options.max_step_tokens, options.max_seqs);
  running_.reserve(options.max_seqs);
  parts_.reserve(options.max_seqs);
}

void Scheduler::Add(std::unique_ptr<Sequence> sequence) { waiting_.push_back(std::move(sequence)); }

void Scheduler::CancelOne(Sequence& sequence, PagePool& pages) {
  sequence.End(FinishReason::kCancel, "");
  sequence.Emit();
  pages.Return(sequence.pages());
}

bool Scheduler::Cancel(RequestId id, PagePool& pages) {
  const auto cancel_in = [&](auto& sequences) {
    const auto it = std::find_if(sequences.begin(), sequences.end(),
                                 [id](const auto& sequence) { return sequence->id() == id; });
    if (it == sequences.end()) return false;
    CancelOne(**it, pages);
    sequences.erase(it);
    return true;
  };
  return cancel_in(waiting_) || cancel_in(running_);
}

void Scheduler::CancelAll(PagePool& pages) {
  for (const auto& sequence : waiting_) CancelOne(*sequence, pages);
  for (const auto& sequence : running_) CancelOne(*sequence, pages);
  waiting_.clear();
  running_.clear();
}

void Scheduler::StartWaiting(PagePool& pages) {
  while (!waiting_.empty() && static_cast<int32_t>(running_.size()) < options_.max_seqs) {
    Sequence& first = *waiting_.front();
    const int32_t needed = PagesFor(first.max_computed(), options_.page_len);
    WEIR_CHECK_LE(needed, pages.num_pages());
    first.pages().reserve(needed);
    if (!pages.TryTake(needed, first.pages())) return;
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

StepPlan Scheduler::Next(PagePool& pages) {
  StartWaiting(pages);
  parts_.clear();
  int32_t left = options_.max_step_tokens;
  const auto take = [&](Sequence& sequence, int32_t limit) {
    const int32_t begin = sequence.num_computed();
    const int32_t end = std::min(sequence.num_tokens(), begin + limit);
    parts_.push_back({.sequence = &sequence,
                      .begin = begin,
                      .end = end,
                      .wants_logits = end == sequence.num_tokens()});
    left -= end - begin;
  };
  const auto is_decode = [](const Sequence& s) { return s.num_tokens() - s.num_computed() == 1; };
  for (const auto& sequence : running_) {
    if (is_decode(*sequence)) take(*sequence, 1);
  }
  for (const auto& sequence : running_) {
    if (left > 0 && !is_decode(*sequence)) take(*sequence, left);
  }
  return {.parts = parts_};
}

void Scheduler::Commit(const StepPlan& step, PagePool& pages) {
  for (const StepPart& part : step.parts) {
    part.sequence->MarkComputed(part.end - part.begin);
    if (part.wants_logits) part.sequence->Emit();
    if (part.sequence->finished()) pages.Return(part.sequence->pages());
  }
  std::erase_if(running_, [](const auto& sequence) { return sequence->finished(); });
}

}  // namespace weir
