// SPDX-License-Identifier: Apache-2.0
//
// Who runs in one step, and which of its tokens.
#ifndef WEIR_ENGINE_STEP_PLAN_H_
#define WEIR_ENGINE_STEP_PLAN_H_

#include <cstdint>
#include <span>

#include <weir/stats.h>

#include "engine/sequence.h"
#include "engine/step_load.h"

namespace weir {

// Tokens [begin, end) of a sequence, all not computed yet; begin is its num_computed().
struct StepPart {
  Sequence* sequence;
  int32_t begin;
  int32_t end;
  bool wants_logits;  // the part reaches the sequence's last token, so the next one can be chosen
};

// Decodes first, then prefill chunks. Valid until the scheduler plans again.
struct StepPlan {
  std::span<const StepPart> parts;
  StepLoad load = {};                   // of all parts
  StepLimit limit = StepLimit::kAllIn;  // why no more is in it
  int32_t num_preempted = 0;            // sequences that gave their pages up for it
  float predicted_us = 0;               // by the cost model; 0 without one
  bool empty() const { return parts.empty(); }
};

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_PLAN_H_
