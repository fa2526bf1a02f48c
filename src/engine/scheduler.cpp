// SPDX-License-Identifier: Apache-2.0
//
// The queue, and what happens to sequences around a step. What a step holds is decided in
// step_filling.cpp.
#include "engine/scheduler.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

bool StandsBefore(const std::unique_ptr<Sequence>& a, const std::unique_ptr<Sequence>& b) {
  return a->standing() < b->standing();
}

}  // namespace

Scheduler::Scheduler(const SchedulerOptions& options) : options_(options) {
  WEIR_CHECK_GT(options.max_seqs, 0);
  WEIR_CHECK_GE(options.max_step_tokens, options.max_seqs);
  running_.reserve(options.max_seqs);
  parts_.reserve(options.max_seqs);
}

void Scheduler::Add(std::unique_ptr<Sequence> sequence) { Queue(std::move(sequence)); }

void Scheduler::Queue(std::unique_ptr<Sequence> sequence) {
  num_waiting_tokens_ += sequence->num_tokens();
  const auto place = std::upper_bound(waiting_.begin(), waiting_.end(), sequence, StandsBefore);
  waiting_.insert(place, std::move(sequence));
}

void Scheduler::Cancel(std::span<const RequestId> requests, PageKeeper& pages) {
  if (requests.empty()) return;
  std::vector<RequestId> sorted(requests.begin(), requests.end());
  std::sort(sorted.begin(), sorted.end());
  CancelWhere(
      [&](const Sequence& s) { return std::binary_search(sorted.begin(), sorted.end(), s.id()); },
      pages);
}

void Scheduler::CancelAll(PageKeeper& pages) {
  CancelWhere([](const Sequence&) { return true; }, pages);
}

template <class Wanted>
void Scheduler::CancelWhere(Wanted wanted, PageKeeper& pages) {
  const auto cancel = [&](const std::unique_ptr<Sequence>& sequence) {
    if (!wanted(*sequence)) return false;
    sequence->End(FinishReason::kCancel, "");
    pages.Release(*sequence);
    sequence->Emit({});
    return true;
  };
  std::erase_if(running_, cancel);
  std::erase_if(waiting_, [&](const std::unique_ptr<Sequence>& sequence) {
    const int32_t num_tokens = sequence->num_tokens();
    if (!cancel(sequence)) return false;
    num_waiting_tokens_ -= num_tokens;
    return true;
  });
}

void Scheduler::Commit(const StepPlan& step, const StepStamp& stamp, PageKeeper& pages) {
  for (const StepPart& part : step.parts) CommitPart(part, stamp, pages);
  std::erase_if(running_, [](const auto& sequence) { return sequence->finished(); });
}

void Scheduler::CommitPart(const StepPart& part, const StepStamp& stamp, PageKeeper& pages) {
  Sequence& sequence = *part.sequence;
  counts_.recomputed_tokens += sequence.MarkComputed(part.end - part.begin);
  pages.Publish(sequence);
  if (!part.wants_logits) return;
  counts_.generation_tokens += sequence.num_tokens() - part.end;
  if (part.end == sequence.num_prompt() && sequence.index() == 0) {
    counts_.prompt_tokens += sequence.num_prompt();
    counts_.prompt_tokens_cached += sequence.state().num_cached_tokens;
  }
  if (sequence.finished()) pages.Release(sequence);
  sequence.Emit(stamp);
}

}  // namespace weir
