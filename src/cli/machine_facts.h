// SPDX-License-Identifier: Apache-2.0
//
// What the system tells about the machine, without measuring. Whatever it does not tell, on
// whatever machine, is an empty optional.
#ifndef WEIR_CLI_MACHINE_FACTS_H_
#define WEIR_CLI_MACHINE_FACTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/cgroup.h"
#include "base/cpu_set.h"
#include "tensor/cpu_features.h"

namespace weir {

struct ProcessLimit {
  const char* name;              // "open files"
  const char* key;               // "open_files"
  std::optional<int64_t> value;  // none: unlimited
};

struct MachineFacts {
  std::string cpu_model;
  CpuFeatures features;
  UsableCpus cpus;
  std::optional<int64_t> last_cache_bytes;  // all last-level caches together
  std::optional<std::string> governor;      // of the first CPU: "performance", "powersave"
  std::optional<bool> smt;                  // whether CPUs share cores
  std::optional<int32_t> num_numa_nodes;
  std::optional<double> load;  // threads that ran or wanted to, on average over the last minute
  std::optional<int64_t> memory_bytes;
  std::optional<int64_t> available_bytes;  // cut by the control group's limit
  std::optional<CgroupMemory> cgroup_memory;
  std::optional<std::string> huge_pages;  // "always", "madvise" or "never"
  std::vector<ProcessLimit> limits;
};

// `root` is "/" except in tests; it concerns what stands in files below proc and sys.
MachineFacts ReadMachineFacts(const std::string& root);

}  // namespace weir

#endif  // WEIR_CLI_MACHINE_FACTS_H_
