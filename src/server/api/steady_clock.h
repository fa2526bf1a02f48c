// SPDX-License-Identifier: Apache-2.0
//
// The clock of HttpRequest, Delta and EngineStats: microseconds of std::chrono::steady_clock.
#ifndef WEIR_SERVER_API_STEADY_CLOCK_H_
#define WEIR_SERVER_API_STEADY_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace weir {

inline int64_t SteadyUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

inline int64_t UnixSeconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace weir

#endif  // WEIR_SERVER_API_STEADY_CLOCK_H_
