// SPDX-License-Identifier: Apache-2.0
//
// Monotonic time.
#ifndef WEIR_BASE_CLOCK_H_
#define WEIR_BASE_CLOCK_H_

#include <chrono>

namespace weir {

// Seconds since some fixed moment; never goes back.
inline double NowSeconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace weir

#endif  // WEIR_BASE_CLOCK_H_
