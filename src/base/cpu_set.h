// SPDX-License-Identifier: Apache-2.0
//
// Which CPUs this process may really use: its affinity mask, cut by the cgroup's CPU quota. The
// machine's own count is not what a container or a batch job gets.
#ifndef WEIR_BASE_CPU_SET_H_
#define WEIR_BASE_CPU_SET_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace weir {

struct UsableCpus {
  std::vector<int32_t> ids;     // CPUs of the affinity mask, ascending; never empty
  int32_t num_threads = 1;      // min(ids.size(), quota rounded up), at least 1
  std::optional<double> quota;  // CPUs' worth of time that the cgroups grant; none: no limit
  std::string why;              // e.g. "affinity 0-3, cgroup quota 2.00"
};

// For the calling thread: ask before any thread is bound.
UsableCpus FindUsableCpus();

// The part of FindUsableCpus() without the system. Empty `ids` count as CPU 0 alone.
UsableCpus CombineCpus(std::vector<int32_t> ids, std::optional<double> quota);

// "0-3,8" for {0, 1, 2, 3, 8}; "none" for nothing.
std::string FormatCpuList(std::span<const int32_t> ascending);

// The affinity mask of the current thread, ascending; empty when the system does not tell.
std::vector<int32_t> CurrentThreadCpus();

// Lets the current thread run on `cpus` only. False when the system refuses; nothing changes then.
bool BindCurrentThread(std::span<const int32_t> cpus);

}  // namespace weir

#endif  // WEIR_BASE_CPU_SET_H_
