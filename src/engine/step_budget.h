// SPDX-License-Identifier: Apache-2.0
//
// How long a step may take because of prefill. With --itl-budget it is that. Otherwise it is four
// times what the step's decodes would take alone, and at least 50 ms: then prefill gets three
// quarters of the machine while streams run, no stream becomes slower than a quarter of its pace,
// and where decodes are fast enough that nobody could read along, steps are not cut small for
// nothing. In a step with few decodes or none it does not fall below the reference budget, which is
// the rule applied to kReferenceDecodes sequences of kReferenceKvLen tokens. All of it follows the
// cost model, and so the measured steps.
#ifndef WEIR_ENGINE_STEP_BUDGET_H_
#define WEIR_ENGINE_STEP_BUDGET_H_

#include <cstdint>

#include <weir/stats.h>

#include "engine/step_load.h"

namespace weir {

inline constexpr double kBudgetDecodeSteps = 4;
inline constexpr double kMinBudgetUs = 50'000;
inline constexpr int32_t kReferenceDecodes = 4;
inline constexpr int32_t kReferenceKvLen = 1024;  // tokens

// The decodes that the reference budget is of.
StepLoad ReferenceDecodes();

class StepBudget {
 public:
  // `asked_ms` 0: by the rule.
  explicit StepBudget(double asked_ms) : asked_us_(asked_ms * 1e3) {}

  // What is asked for, or the reference budget as the model stands: for the report at start-up,
  // best after a few measured decodes.
  double ReferenceMs(const StepCost& cost) const;

  // Of a step that holds these decodes besides prefill.
  double BudgetUs(const StepCost& cost, const StepLoad& decodes) const;

 private:
  double asked_us_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_BUDGET_H_
