// SPDX-License-Identifier: Apache-2.0
#include "engine/step_recorder.h"

namespace weir {
namespace {

// Pieces that the keys of decodes were cut into.
int32_t NumSplits(const PreparedStep& prepared) {
  int32_t num_splits = 0;
  for (const AttnDecision& decision : prepared.plan.decisions) {
    if (decision.route == AttnRoute::kDecode) num_splits += decision.splits;
  }
  return num_splits;
}

}  // namespace

StepRecorder::StepRecorder(StepLedger& ledger, int32_t max_seqs) : ledger_(ledger) {
  rows_.reserve(max_seqs);
}

StepRecord& StepRecorder::Begin(const StepPlan& step) {
  record_ = {.step = ++num_steps_,
             .num_seqs = step.load.num_seqs,
             .num_tokens = step.load.num_tokens,
             .num_preempted = step.num_preempted,
             .limit = step.limit,
             .predicted_us = step.predicted_us};
  load_ = step.load;
  rows_.clear();
  for (const StepPart& part : step.parts) {
    const int32_t q_len = part.end - part.begin;
    rows_.push_back({.step = record_.step,
                     .request = part.sequence->id(),
                     .index = part.sequence->index(),
                     .row_class = RowClassOf(q_len, part.end),
                     .q_len = q_len,
                     .kv_len = part.end});
  }
  return record_;
}

void StepRecorder::End(const StepTimer& timer, const PreparedStep& prepared, CostModel& model) {
  timer.Finish(record_);
  record_.num_splits = NumSplits(prepared);
  record_.captured = prepared.captured();
  model.Observe(load_, record_.total_us);
  ledger_.AddStep(record_, rows_, model.cost());
}

}  // namespace weir
