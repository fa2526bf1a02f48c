// SPDX-License-Identifier: Apache-2.0
//
// Decides how much of a step's attention is planned anew. Decodes that go on from the last step,
// each a token longer, keep the payload that was chosen for them for up to 32 steps; and where they
// are known to be the same sequences the plan itself, as long as none of them has begun another
// unit of planning. For that to give the same items as planning every step, decodes are planned as
// if their last unit were full. Policies other than the planned one look at exact lengths: they
// plan every step.
#ifndef WEIR_ENGINE_STEP_PLANNER_H_
#define WEIR_ENGINE_STEP_PLANNER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attention/planner.h"
#include "model/forward_batch.h"

namespace weir {

class StepPlanner {
 public:
  StepPlanner(Planner planner, int32_t page_len, int32_t max_seqs);

  // Valid until the next call. `same_seqs`: row by row those of the last batch, with the same pages
  // and maybe more; then the plan may be the last one.
  AttnPlan Next(const ForwardBatch& batch, bool same_seqs);

  const Planner& planner() const { return planner_; }
  int64_t num_plans() const { return num_plans_; }  // times that the planner worked

 private:
  bool GoesOn(const ForwardBatch& batch) const;
  bool FillWholeUnits(const ForwardBatch& batch);

  Planner planner_;
  int32_t page_len_;
  bool whole_units_;               // whether decodes are planned so
  std::vector<int32_t> last_len_;  // of the last batch, which held decodes only; else empty
  std::vector<int32_t> unit_len_;  // what was planned for it
  AttnPlan plan_ = {};
  int32_t age_ = 0;  // steps since the payload was chosen
  int64_t num_plans_ = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_PLANNER_H_
