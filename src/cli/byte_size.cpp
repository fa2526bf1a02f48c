// SPDX-License-Identifier: Apache-2.0
#include "cli/byte_size.h"

#include <charconv>
#include <cmath>
#include <string>

#include "base/error.h"

namespace weir {
namespace {

constexpr double kMaxBytes = 9.0e18;  // below INT64_MAX, and far above any machine

// 0: none of that name.
double UnitBytes(std::string_view unit, int64_t bare) {
  if (unit.empty()) return static_cast<double>(bare);
  if (unit == "B" || unit == "b") return 1;
  const size_t power = std::string_view("kmgt").find(static_cast<char>(unit[0] | 0x20));
  const std::string_view rest = unit.substr(1);
  if (power == std::string_view::npos) return 0;
  const bool binary = rest.empty() || rest == "i" || rest == "iB";
  if (!binary && rest != "B") return 0;
  return std::pow(binary ? 1024.0 : 1000.0, static_cast<double>(power + 1));
}

}  // namespace

Result<int64_t> ParseByteSize(std::string_view text, std::string_view where, int64_t unit_bytes) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (!unit.empty() && unit.front() == ' ') unit.remove_prefix(1);
  const double bytes = number * UnitBytes(unit, unit_bytes);
  const bool known = UnitBytes(unit, unit_bytes) > 0;
  if (error != std::errc() || !known || !(bytes >= 0) || bytes > kMaxBytes) {
    return Err(Code::kInvalidArgument, where, ": found ", text, ", wanted a size such as 1.5GiB");
  }
  return static_cast<int64_t>(bytes);
}

}  // namespace weir
