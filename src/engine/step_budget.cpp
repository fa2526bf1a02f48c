// SPDX-License-Identifier: Apache-2.0
#include "engine/step_budget.h"

#include <algorithm>

namespace weir {
namespace {

double ByRule(double decode_us) { return std::max(kMinBudgetUs, kBudgetDecodeSteps * decode_us); }

}  // namespace

StepLoad ReferenceDecodes() {
  StepLoad load;
  for (int32_t i = 0; i < kReferenceDecodes; ++i) {
    load.Add(kReferenceKvLen - 1, kReferenceKvLen, /*wants_logits=*/true);
  }
  return load;
}

double StepBudget::ReferenceMs(const StepCost& cost) const { return BudgetUs(cost, {}) / 1e3; }

double StepBudget::BudgetUs(const StepCost& cost, const StepLoad& decodes) const {
  if (asked_us_ > 0) return asked_us_;
  const double reference_us = PredictUs(cost, ReferenceDecodes());
  return ByRule(std::max(reference_us, PredictUs(cost, decodes)));
}

}  // namespace weir
