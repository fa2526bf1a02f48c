// SPDX-License-Identifier: Apache-2.0
#include <weir/request.h>
#include <weir/stats.h>

namespace weir {

const char* FinishReasonName(FinishReason reason) {
  switch (reason) {
    case FinishReason::kNone:
      return "none";
    case FinishReason::kStop:
      return "stop";
    case FinishReason::kLength:
      return "length";
    case FinishReason::kCancel:
      return "cancel";
    case FinishReason::kError:
      return "error";
  }
  return "unknown";
}

const char* RowClassName(RowClass row_class) {
  switch (row_class) {
    case RowClass::kDecode:
      return "decode";
    case RowClass::kFreshPrefill:
      return "fresh_prefill";
    case RowClass::kCachedPrefill:
      return "cached_prefill";
  }
  return "unknown";
}

const char* StepLimitName(StepLimit limit) {
  switch (limit) {
    case StepLimit::kAllIn:
      return "all_in";
    case StepLimit::kItlBudget:
      return "itl_budget";
    case StepLimit::kTokens:
      return "tokens";
    case StepLimit::kSequences:
      return "sequences";
    case StepLimit::kPages:
      return "pages";
  }
  return "unknown";
}

}  // namespace weir
