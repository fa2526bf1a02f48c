// SPDX-License-Identifier: Apache-2.0
#include "cli/checks.h"

namespace weir {

std::string NoSign(const std::string& text) {
  const bool has_sign = text.find_first_of("+-") != std::string::npos;
  return has_sign ? "found " + text + ", wanted N >= 0" : std::string();
}

}  // namespace weir
