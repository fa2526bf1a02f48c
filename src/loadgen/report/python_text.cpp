// SPDX-License-Identifier: Apache-2.0
#include "loadgen/report/python_text.h"

#include <cmath>
#include <fmt/format.h>

namespace weir::loadgen {

std::string PythonFloat(double value) {
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

std::string PercentName(double percent) {
  if (percent == std::floor(percent)) return fmt::format("{:.0f}", percent);
  return fmt::format("{}", percent);
}

}  // namespace weir::loadgen
