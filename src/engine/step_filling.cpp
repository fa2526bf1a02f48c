// SPDX-License-Identifier: Apache-2.0
//
// What a step holds. Part of the scheduler.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "engine/scheduler.h"

namespace weir {

StepPlan Scheduler::Next(PageKeeper& pages, const StepPacing& pacing, int64_t now_us) {
  parts_.clear();
  Filling filling = {.tokens_left = options_.max_step_tokens};
  TakeDecodes(pages, filling);
  // While nothing decodes nobody waits for the step.
  if (pacing.model != nullptr && !parts_.empty()) {
    filling.until_us =
        pacing.model->FillTargetUs(pacing.budget->BudgetUs(pacing.model->cost(), filling.load));
  }
  TakePrefills(pages, pacing.model, filling);
  for (const StepPart& part : parts_) part.sequence->MarkScheduled(now_us);
  WEIR_CHECK(!parts_.empty() || (running_.empty() && waiting_.empty()));
  return {.parts = parts_,
          .load = filling.load,
          .limit = filling.limit,
          .num_preempted = filling.num_preempted,
          .predicted_us = pacing.model != nullptr && !parts_.empty()
                              ? static_cast<float>(pacing.model->PredictUs(filling.load))
                              : 0.0f};
}

void Scheduler::TakeDecodes(PageKeeper& pages, Filling& filling) {
  for (size_t i = 0; i < running_.size();) {
    Sequence& sequence = *running_[i];
    if (sequence.num_missing() > 1) {
      ++i;
    } else if (GrowOrPreempt(sequence, sequence.num_tokens(), pages, filling)) {
      AddPart(sequence, 1, filling);
      ++i;
    } else {
      Preempt(i, pages, filling);
    }
  }
}

// Goes through running and waiting sequences as one list in order of standing. Once a sequence
// cannot start none that stands behind it does.
void Scheduler::TakePrefills(PageKeeper& pages, const CostModel* model, Filling& filling) {
  size_t runner = 0;
  size_t waiter = 0;
  while (true) {
    const bool has_waiter = filling.may_start && waiter < waiting_.size();
    if (runner == running_.size() && !has_waiter) return;
    const bool starts = has_waiter && (runner == running_.size() ||
                                       waiting_[waiter]->standing() < running_[runner]->standing());
    if (starts && AwaitsSibling(*waiting_[waiter], pages)) {
      ++waiter;
    } else if (!starts && running_[runner]->num_missing() == 1) {
      ++runner;  // it decodes
    } else if (filling.tokens_left == 0) {
      return filling.Limit(StepLimit::kTokens);
    } else if (!starts || TryStart(waiter, runner, pages, filling)) {
      TakeChunk(*running_[runner++], model, pages, filling);
    } else {
      filling.may_start = false;
    }
  }
}

// Moves waiting_[waiter] to running_[runner].
bool Scheduler::TryStart(size_t waiter, size_t runner, PageKeeper& pages, Filling& filling) {
  Sequence& sequence = *waiting_[waiter];
  if (num_running() == options_.max_seqs) {
    filling.Limit(StepLimit::kSequences);
    return false;
  }
  if (!pages.TryStart(sequence, SiblingOf(sequence), NumReserved(pages))) {
    filling.Limit(StepLimit::kPages);
    return false;
  }
  sequence.Start(pages.page_len());
  num_waiting_tokens_ -= sequence.num_tokens();
  const auto place = static_cast<std::ptrdiff_t>(waiter);
  running_.insert(running_.begin() + static_cast<std::ptrdiff_t>(runner),
                  std::move(waiting_[waiter]));
  waiting_.erase(waiting_.begin() + place);
  return true;
}

// What those that run still need for their tokens so far, and a page for each to grow into.
int32_t Scheduler::NumReserved(const PageKeeper& pages) const {
  int32_t num_pages = num_running();
  for (const auto& sequence : running_) num_pages += pages.NumMissing(*sequence);
  return num_pages;
}

// The running output of the same request that has computed most of the prompt.
const Sequence* Scheduler::SiblingOf(const Sequence& sequence) const {
  if (sequence.request().n == 1) return nullptr;
  const Sequence* sibling = nullptr;
  for (const auto& other : running_) {
    if (other->id() != sequence.id()) continue;
    if (sibling == nullptr || other->num_computed() > sibling->num_computed()) {
      sibling = other.get();
    }
  }
  return sibling;
}

bool Scheduler::AwaitsSibling(const Sequence& sequence, const PageKeeper& pages) const {
  const Sequence* sibling = SiblingOf(sequence);
  return sibling != nullptr && sibling->num_computed() < sibling->num_prompt() &&
         pages.NumShareable(sibling->num_prompt()) > 0;
}

void Scheduler::TakeChunk(Sequence& sequence, const CostModel* model, PageKeeper& pages,
                          Filling& filling) {
  int32_t num_tokens = ChunkTokens(sequence, model, filling);
  if (num_tokens == 0) return;
  const int32_t begin = sequence.num_computed();
  if (!GrowOrPreempt(sequence, begin + num_tokens, pages, filling)) {
    num_tokens = pages.MostTokens(sequence) - begin;
    if (num_tokens <= 0) return;
    WEIR_CHECK(pages.TryGrow(sequence, begin + num_tokens));
  }
  AddPart(sequence, num_tokens, filling);
  filling.has_prefill = true;
}

// The first in order gets a shortest chunk in any case.
int32_t Scheduler::ChunkTokens(const Sequence& sequence, const CostModel* model,
                               Filling& filling) const {
  const int32_t threshold = options_.long_prefill_token_threshold;
  const int32_t limit =
      threshold > 0 ? std::min(threshold, filling.tokens_left) : filling.tokens_left;
  const int32_t num_tokens = std::min(sequence.num_missing(), limit);
  if (num_tokens < sequence.num_missing()) filling.Limit(StepLimit::kTokens);
  if (filling.until_us == 0) return num_tokens;
  const PrefillAsk ask = {
      .computed = sequence.num_computed(), .remaining = sequence.num_missing(), .limit = limit};
  const int32_t within = model->PrefillTokensWithin(filling.load, ask, filling.until_us);
  if (within == num_tokens) return num_tokens;
  filling.limit = StepLimit::kItlBudget;
  filling.may_start = false;
  if (within > 0 || filling.has_prefill) return within;
  return std::min(model->min_chunk(), num_tokens);
}

// False when the sequence stands last itself, and all that is free is not enough.
bool Scheduler::GrowOrPreempt(Sequence& sequence, int32_t num_tokens, PageKeeper& pages,
                              Filling& filling) {
  while (!pages.TryGrow(sequence, num_tokens)) {
    filling.limit = StepLimit::kPages;
    filling.may_start = false;
    if (running_.back().get() == &sequence) return false;
    Preempt(running_.size() - 1, pages, filling);
  }
  return true;
}

void Scheduler::Preempt(size_t index, PageKeeper& pages, Filling& filling) {
  std::unique_ptr<Sequence> sequence = std::move(running_[index]);
  running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(index));
  DropPart(*sequence, filling);
  pages.Release(*sequence);
  sequence->Restart();
  Queue(std::move(sequence));
  ++filling.num_preempted;
  ++counts_.num_preemptions;
}

void Scheduler::AddPart(Sequence& sequence, int32_t num_tokens, Filling& filling) {
  const int32_t begin = sequence.num_computed();
  const int32_t end = begin + num_tokens;
  const bool wants_logits = end == sequence.num_tokens();
  parts_.push_back(
      {.sequence = &sequence, .begin = begin, .end = end, .wants_logits = wants_logits});
  filling.load.Add(begin, end, wants_logits);
  filling.tokens_left -= num_tokens;
}

// A decode that was in already gives way to a prefill that stands before it.
void Scheduler::DropPart(const Sequence& sequence, Filling& filling) {
  const auto part = std::find_if(parts_.begin(), parts_.end(), [&](const StepPart& other) {
    return other.sequence == &sequence;
  });
  if (part == parts_.end()) return;
  filling.tokens_left += part->end - part->begin;
  parts_.erase(part);
  filling.load = {};
  for (const StepPart& other : parts_) filling.load.Add(other.begin, other.end, other.wants_logits);
}

}  // namespace weir
