// SPDX-License-Identifier: Apache-2.0
//
// An explanation for people and for programs.
#ifndef WEIR_ENGINE_EXPLANATION_TEXT_H_
#define WEIR_ENGINE_EXPLANATION_TEXT_H_

#include <string>

#include "base/json.h"
#include "engine/step_explainer.h"
#include "engine/step_log.h"

namespace weir {

// A few lines; requests are named by id and, where the log knows it, label.
std::string ExplanationText(const Explanation& explanation, const StepLog& log);

// The fields of Explanation under their names; what is not known is null.
Json ExplanationJson(const Explanation& explanation);

}  // namespace weir

#endif  // WEIR_ENGINE_EXPLANATION_TEXT_H_
