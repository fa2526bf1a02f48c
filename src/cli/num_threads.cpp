// SPDX-License-Identifier: Apache-2.0
#include "cli/num_threads.h"

#include <charconv>
#include <string>

#include "base/cpu_set.h"
#include "base/env.h"
#include "base/error.h"

namespace weir {

Result<int32_t> AskedThreads(int32_t asked) {
  const std::string text = EnvString("WEIR_THREADS");
  if (asked != 0 || text.empty()) return asked;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), asked);
  if (error == std::errc() && end == text.data() + text.size()) return asked;
  return Err(Code::kInvalidArgument, "WEIR_THREADS: found ", text, ", wanted a number of threads");
}

Result<int32_t> CountThreads(int32_t asked) {
  WEIR_ASSIGN_OR_RETURN(const int32_t threads, AskedThreads(asked));
  if (threads < 0 || threads > kMaxThreads) {
    return Err(Code::kInvalidArgument, "threads: found ", threads, ", wanted 0 to ", kMaxThreads);
  }
  return threads > 0 ? threads : FindUsableCpus().num_threads;
}

}  // namespace weir
