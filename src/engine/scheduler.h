// SPDX-License-Identifier: Apache-2.0
//
// Decides who runs next. Sequences stand in one order: priority, then arrival, then index. A step
// holds every decode, then prefill chunks in that order, of running and of waiting sequences, up to
// the hard limits and, while anything decodes, up to the time that a step may take.
//
// Pages are taken as tokens come. A sequence starts when its tokens so far, the prompts of those
// that run, and one more page for each of these have a place; so prompts alone never run dry. Where
// decodes do, whoever stands last gives up its pages, waits in its own place of the order, and is
// computed again later. Nothing is ever stuck or lost: the first in the order can take every page,
// is never preempted, and is part of every step.
//
// The later outputs of a request start once one of them has computed the prompt that they share.
// Engine thread only.
#ifndef WEIR_ENGINE_SCHEDULER_H_
#define WEIR_ENGINE_SCHEDULER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/cost_model.h"
#include "engine/page_keeper.h"
#include "engine/sequence.h"
#include "engine/step_budget.h"
#include "engine/step_plan.h"

namespace weir {

struct SchedulerOptions {
  int32_t max_step_tokens;                   // new tokens per step, at least max_seqs
  int32_t max_seqs;                          // sequences that run at once
  int32_t long_prefill_token_threshold = 0;  // longest chunk of one prompt; 0: no limit
};

// How long steps may take and would take. Both null: only the hard limits hold.
struct StepPacing {
  const CostModel* model = nullptr;
  const StepBudget* budget = nullptr;
};

struct SchedulerCounts {
  int64_t prompt_tokens = 0;         // of requests whose prefill has ended
  int64_t prompt_tokens_cached = 0;  // of these, found in the prefix cache
  int64_t recomputed_tokens = 0;     // computed again after a preemption
  int64_t generation_tokens = 0;
  int64_t num_preemptions = 0;
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);

  // Takes a sequence into the queue. Requires: its max_computed() fits the whole pool.
  void Add(std::unique_ptr<Sequence> sequence);

  // Ends every output of these requests, in whatever state it is, and gives its pages back. Ids
  // that are none, or not any more, are ignored.
  void Cancel(std::span<const RequestId> requests, PageKeeper& pages);

  // Ends every sequence.
  void CancelAll(PageKeeper& pages);

  // Starts what can start and says what the next step computes.
  // `now_us` is when.
  StepPlan Next(PageKeeper& pages, const StepPacing& pacing, int64_t now_us);

  // After the step: its tokens are computed, finished sequences are told so and leave.
  void Commit(const StepPlan& step, const StepStamp& stamp, PageKeeper& pages);

  int32_t max_seqs() const { return options_.max_seqs; }
  int32_t max_step_tokens() const { return options_.max_step_tokens; }
  int32_t num_waiting() const { return static_cast<int32_t>(waiting_.size()); }
  int32_t num_running() const { return static_cast<int32_t>(running_.size()); }
  int64_t num_waiting_tokens() const { return num_waiting_tokens_; }
  const SchedulerCounts& counts() const { return counts_; }

  // In order of standing.
  std::span<const std::unique_ptr<Sequence>> running() const { return running_; }
  const std::deque<std::unique_ptr<Sequence>>& waiting() const { return waiting_; }

 private:
  // What is settled of the step that is being planned.
  struct Filling {
    StepLoad load = {};
    StepLimit limit = StepLimit::kAllIn;
    int32_t tokens_left = 0;
    int32_t num_preempted = 0;
    double until_us = 0;  // 0: the time is not bounded
    bool has_prefill = false;
    bool may_start = true;  // sequences that wait

    void Limit(StepLimit reason) {
      if (limit == StepLimit::kAllIn) limit = reason;
    }
  };

  void Queue(std::unique_ptr<Sequence> sequence);
  template <class Wanted>
  void CancelWhere(Wanted wanted, PageKeeper& pages);
  void CommitPart(const StepPart& part, const StepStamp& stamp, PageKeeper& pages);

  void TakeDecodes(PageKeeper& pages, Filling& filling);
  void TakePrefills(PageKeeper& pages, const CostModel* model, Filling& filling);
  void TakeChunk(Sequence& sequence, const CostModel* model, PageKeeper& pages, Filling& filling);
  int32_t ChunkTokens(const Sequence& sequence, const CostModel* model, Filling& filling) const;
  bool TryStart(size_t waiter, size_t runner, PageKeeper& pages, Filling& filling);
  int32_t NumReserved(const PageKeeper& pages) const;
  const Sequence* SiblingOf(const Sequence& sequence) const;
  bool AwaitsSibling(const Sequence& sequence, const PageKeeper& pages) const;
  bool GrowOrPreempt(Sequence& sequence, int32_t num_tokens, PageKeeper& pages, Filling& filling);
  void Preempt(size_t index, PageKeeper& pages, Filling& filling);
  void AddPart(Sequence& sequence, int32_t num_tokens, Filling& filling);
  void DropPart(const Sequence& sequence, Filling& filling);

  SchedulerOptions options_;
  std::deque<std::unique_ptr<Sequence>> waiting_;   // in order of standing
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of standing
  int64_t num_waiting_tokens_ = 0;                  // not computed, of all that wait
  std::vector<StepPart> parts_;
  SchedulerCounts counts_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_SCHEDULER_H_
