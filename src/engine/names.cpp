// SPDX-License-Identifier: Apache-2.0
#include <weir/request.h>

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

}  // namespace weir
