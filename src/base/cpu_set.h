// SPDX-License-Identifier: Apache-2.0
//
// Which CPUs this process may really use: its affinity mask, cut by the cgroup's CPU quota. The
// machine's own count is not what a container or a batch job gets.
#ifndef WEIR_BASE_CPU_SET_H_
#define WEIR_BASE_CPU_SET_H_

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

struct UsableCpus {
  std::vector<int32_t> ids;  // CPUs of the affinity mask, ascending; never empty
  int32_t num_threads;       // min(ids.size(), quota rounded up), at least 1
  std::string why;           // e.g. "affinity 0-3, cgroup quota 2.00"
};

UsableCpus FindUsableCpus();

}  // namespace weir

#endif  // WEIR_BASE_CPU_SET_H_
