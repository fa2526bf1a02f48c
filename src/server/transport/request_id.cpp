// SPDX-License-Identifier: Apache-2.0
#include "server/transport/request_id.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>
#include <sys/random.h>

#include "server/transport/http_grammar.h"

namespace weir {

bool IsUsableRequestId(std::string_view id) {
  constexpr std::string_view kNotUsable = "!#$%&'*^`|~";
  constexpr std::string_view kAlsoUsable = ":/=@";
  return !id.empty() && id.size() <= kMaxRequestIdBytes &&
         std::all_of(id.begin(), id.end(), [&](char c) {
           return (IsTokenChar(c) && kNotUsable.find(c) == std::string_view::npos) ||
                  kAlsoUsable.find(c) != std::string_view::npos;
         });
}

std::string MakeRequestId() {
  uint64_t words[2] = {};
  // Without a signal handler a read of so few bytes is never cut short once the system is up.
  if (::getrandom(words, sizeof words, 0) != sizeof words) words[0] = words[1] = 0;
  return fmt::format("{:016x}{:016x}", words[0], words[1]);
}

std::string UsableOrNewId(std::string_view sent) {
  return IsUsableRequestId(sent) ? std::string(sent) : MakeRequestId();
}

}  // namespace weir
