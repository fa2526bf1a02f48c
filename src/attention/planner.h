// SPDX-License-Identifier: Apache-2.0
//
// Routes a step's rows and cuts their attention into work items for the workers of a device. Pure
// host code: lengths and page ids in, items out; a backend needs nothing else.
//
// How the planned policy cuts decodes (payload planning): all rows of a step get pieces of at most
// P tiles, P being chosen for the whole batch among a few candidates between "no split" and a
// fraction of a worker's share, by the time that the fluid model predicts for each. Prefills are
// cut into query tiles, and along their keys too where they are too few to keep the workers busy.
// Rows that share pages read them once where that is predicted to pay.
//
// Guarantees, checked by planner_test.cpp for random inputs:
//   1. each (sequence, new row, KV head, visible key) lies in exactly one item; the items of a row
//      and head ascend in position without holes;
//   2. equal inputs give equal plans; another order of the sequences gives the same items up to
//      their names;
//   3. the numbers of items, merges and slot rows never exceed capacity(), whatever the batch: a
//      plan that would is a bug and aborts;
//   4. decodes come longest first, and so do prefills; the two take turns in proportion of their
//      time, but what would end last otherwise goes first.
#ifndef WEIR_ATTENTION_PLANNER_H_
#define WEIR_ATTENTION_PLANNER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attention/attn_plan.h"
#include "attention/attn_shape.h"
#include "attention/device_profile.h"
#include "attention/item_emitter.h"
#include "attention/payload.h"
#include "attention/plan_capacity.h"
#include "attention/policy.h"
#include "attention/router.h"
#include "attention/run_list.h"
#include "attention/shared_prefix.h"

namespace weir {

class Planner {
 public:
  // Takes all the memory that any step within the limits needs.
  Planner(const AttnShape& shape, const DeviceProfile& device, const AttnPolicy& policy,
          const PlannerLimits& limits);

  // Spans of the result are valid until the next call. Requires: the batch is within the limits.
  AttnPlan Plan(const AttnBatch& batch);

  // Plans with the payload that the last Plan chose, raised where the bounds need it: a fraction of
  // the time, for a batch that goes on from the last one. Bits may differ from Plan's.
  AttnPlan Refresh(const AttnBatch& batch);

  // Refresh where this batch is the last planned one a step later, each sequence its new tokens
  // longer, at most 32 times in a row; else Plan.
  AttnPlan Next(const AttnBatch& batch);

  const PlanCapacity& capacity() const { return capacity_; }
  const AttnPolicy& policy() const { return policy_; }

 private:
  bool GoesOn(const AttnBatch& batch) const;
  void Remember(const AttnBatch& batch);
  AttnPlan Build(const AttnBatch& batch, bool refresh);
  void ChoosePieces(const AttnBatch& batch, const StepRoute& route, bool refresh);
  void ChoosePayload(const AttnBatch& batch, bool refresh);
  void CutByPayload();
  void CutByCount(const AttnBatch& batch, int32_t splits);
  void FitSlots();
  void RecordSplits();
  AttnCounts Count() const;
  AttnPlan Finish(const StepRoute& route);

  AttnShape shape_;
  DeviceProfile device_;
  AttnPolicy policy_;
  PlanCapacity capacity_;
  RunList runs_;
  PayloadChooser chooser_;
  ItemEmitter emitter_;
  std::vector<AttnDecision> decisions_;
  std::vector<int32_t> pieces_;  // by run
  Payload payload_;              // that the last Plan chose
  bool shares_ = true;           // whether it took shared stretches
  std::vector<int32_t> last_q_len_, last_kv_len_;
  int32_t num_refreshes_ = 0;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_PLANNER_H_
