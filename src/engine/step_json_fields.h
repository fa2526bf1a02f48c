// SPDX-License-Identifier: Apache-2.0
//
// The fields of records in JSON by name, for both directions: what is written is what is read.
#ifndef WEIR_ENGINE_STEP_JSON_FIELDS_H_
#define WEIR_ENGINE_STEP_JSON_FIELDS_H_

#include <array>
#include <cstdint>
#include <utility>

#include <weir/stats.h>

namespace weir::step_json {

inline constexpr std::array<RowClass, kNumRowClasses> kClasses = {
    RowClass::kDecode, RowClass::kFreshPrefill, RowClass::kCachedPrefill};
inline constexpr std::array<StepLimit, 5> kLimits = {StepLimit::kAllIn, StepLimit::kItlBudget,
                                                     StepLimit::kTokens, StepLimit::kSequences,
                                                     StepLimit::kPages};

using StepCount = std::pair<const char*, int32_t StepRecord::*>;
inline constexpr std::array<StepCount, 4> kStepCounts = {
    {{"num_splits", &StepRecord::num_splits},
     {"num_waiting", &StepRecord::num_waiting},
     {"num_preempted", &StepRecord::num_preempted},
     {"num_free_pages", &StepRecord::num_free_pages}}};
using StepTime = std::pair<const char*, float StepRecord::*>;
inline constexpr std::array<StepTime, 6> kStepTimes = {{{"predicted_us", &StepRecord::predicted_us},
                                                        {"schedule_us", &StepRecord::schedule_us},
                                                        {"plan_us", &StepRecord::plan_us},
                                                        {"forward_us", &StepRecord::forward_us},
                                                        {"sample_us", &StepRecord::sample_us},
                                                        {"total_us", &StepRecord::total_us}}};
using CostTime = std::pair<const char*, float StepCost::*>;
inline constexpr std::array<CostTime, 8> kCostTimes = {
    {{"step_us", &StepCost::step_us},
     {"head_us", &StepCost::head_us},
     {"hidden_token_us", &StepCost::hidden_token_us},
     {"token_us", &StepCost::token_us},
     {"decode_key_us", &StepCost::decode_key_us},
     {"fresh_pair_us", &StepCost::fresh_pair_us},
     {"cached_pair_us", &StepCost::cached_pair_us},
     {"logits_us", &StepCost::logits_us}}};

}  // namespace weir::step_json

#endif  // WEIR_ENGINE_STEP_JSON_FIELDS_H_
