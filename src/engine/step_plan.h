// SPDX-License-Identifier: Apache-2.0
//
// Who runs in one step, and which of its tokens.
#ifndef WEIR_ENGINE_STEP_PLAN_H_
#define WEIR_ENGINE_STEP_PLAN_H_

#include <cstdint>
#include <span>

#include "engine/sequence.h"

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
  bool empty() const { return parts.empty(); }
};

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_PLAN_H_
