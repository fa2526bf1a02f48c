// SPDX-License-Identifier: Apache-2.0
//
// Decides who runs next. First come, first served: a request waits until a place and all the pages
// that it may ever need are free, so a running sequence can always finish and nothing deadlocks.
// Each step holds every decode, then prefill chunks in order of arrival up to the token limit.
// Engine thread only.
#ifndef WEIR_ENGINE_SCHEDULER_H_
#define WEIR_ENGINE_SCHEDULER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "engine/sequence.h"
#include "engine/step_plan.h"
#include "kv/page_pool.h"

namespace weir {

struct SchedulerOptions {
  int32_t max_step_tokens;  // new tokens per step, at least max_seqs
  int32_t max_seqs;         // sequences that run at once
  int32_t page_len;         // tokens per page
};

class Scheduler {
 public:
  explicit Scheduler(const SchedulerOptions& options);

  // Takes a sequence into the queue. Requires: its max_computed() fits the whole pool.
  void Add(std::unique_ptr<Sequence> sequence);

  // Ends a sequence in whatever state it is, giving its pages back. False when there is none of
  // that id.
  bool Cancel(RequestId id, PagePool& pages);

  // Ends every sequence.
  void CancelAll(PagePool& pages);

  // Starts what can start and says what the next step computes.
  StepPlan Next(PagePool& pages);

  // After the step: its tokens are computed, finished sequences are told so and leave.
  void Commit(const StepPlan& step, PagePool& pages);

  int32_t num_waiting() const { return static_cast<int32_t>(waiting_.size()); }
  int32_t num_running() const { return static_cast<int32_t>(running_.size()); }

 private:
  static void CancelOne(Sequence& sequence, PagePool& pages);
  void StartWaiting(PagePool& pages);

  SchedulerOptions options_;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  std::vector<std::unique_ptr<Sequence>> running_;  // in order of arrival
  std::vector<StepPart> parts_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_SCHEDULER_H_
