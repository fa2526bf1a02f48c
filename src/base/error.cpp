// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

namespace weir {

const char* CodeName(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kInvalidModel:
      return "invalid_model";
    case Code::kInvalidRequest:
      return "invalid_request";
    case Code::kNotFound:
      return "not_found";
    case Code::kIo:
      return "io";
    case Code::kOutOfMemory:
      return "out_of_memory";
    case Code::kUnsupported:
      return "unsupported";
    case Code::kUnavailable:
      return "unavailable";
  }
  return "unknown";
}

}  // namespace weir
