// SPDX-License-Identifier: Apache-2.0
//
// How many worker threads a command uses.
#ifndef WEIR_CLI_NUM_THREADS_H_
#define WEIR_CLI_NUM_THREADS_H_

#include <cstdint>

#include <weir/result.h>

namespace weir {

inline constexpr int32_t kMaxThreads = 1024;

// `asked` where it is not 0, else WEIR_THREADS, else 0 for every usable CPU.
Result<int32_t> AskedThreads(int32_t asked);

// The same with the usable CPUs counted; 1 to kMaxThreads.
Result<int32_t> CountThreads(int32_t asked);

}  // namespace weir

#endif  // WEIR_CLI_NUM_THREADS_H_
