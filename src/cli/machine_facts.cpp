// SPDX-License-Identifier: Apache-2.0
#include "cli/machine_facts.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <set>
#include <sys/resource.h>

namespace weir {
namespace {

// The first line without blanks at its end; none when there is nothing in it.
std::optional<std::string> FirstLine(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  while (!line.empty() && line.back() <= ' ') line.pop_back();
  if (line.empty()) return std::nullopt;
  return line;
}

// A number of at most 18 digits with a unit of the kernel's, as "32768K".
std::optional<int64_t> Size(const std::string& text) {
  int64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || value < 0 || value > int64_t{1} << 40) return std::nullopt;
  if (unit == end) return value;
  if (unit + 1 == end && *unit == 'K') return value << 10;
  if (unit + 1 == end && *unit == 'M') return value << 20;
  return std::nullopt;
}

// A list like "0-3,8" as the number of its members.
std::optional<int32_t> CountOfList(const std::string& list) {
  int64_t count = 0;
  const char* at = list.data();
  const char* end = at + list.size();
  while (at < end) {
    int32_t first = 0;
    auto result = std::from_chars(at, end, first);
    if (result.ec != std::errc() || first < 0) return std::nullopt;
    int32_t last = first;
    if (result.ptr < end && *result.ptr == '-') {
      result = std::from_chars(result.ptr + 1, end, last);
      if (result.ec != std::errc() || last < first) return std::nullopt;
    }
    count += int64_t{last} - first + 1;
    at = result.ptr;
    if (at < end && *at++ != ',') return std::nullopt;
  }
  if (count < 1 || count > 1 << 20) return std::nullopt;
  return static_cast<int32_t>(count);
}

// The first number of a line, at least 0.
std::optional<double> Decimal(const std::optional<std::string>& line) {
  if (!line) return std::nullopt;
  double value = -1.0;
  const auto result = std::from_chars(line->data(), line->data() + line->size(), value);
  if (result.ec != std::errc() || !(value >= 0.0 && value < 1e9)) return std::nullopt;
  return value;
}

// Several CPUs share one cache: it counts once, under the list of those that share it.
std::optional<int64_t> LastCacheBytes(const std::string& root, const std::vector<int32_t>& cpus) {
  std::set<std::string> seen;
  int64_t total = 0;
  for (const int32_t cpu : cpus) {
    const std::string folder =
        root + "/sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/cache/index";
    for (const char* index : {"3", "2"}) {
      const auto size = FirstLine(folder + index + "/size");
      if (!size) continue;
      const auto shared = FirstLine(folder + index + "/shared_cpu_list");
      if (seen.insert(shared.value_or(std::to_string(cpu))).second)
        total += Size(*size).value_or(0);
      break;
    }
  }
  if (total == 0) return std::nullopt;
  return total;
}

// "always [madvise] never" is "madvise".
std::optional<std::string> Bracketed(const std::optional<std::string>& line) {
  if (!line) return std::nullopt;
  const size_t open = line->find('[');
  const size_t close = line->find(']');
  if (open == std::string::npos || close == std::string::npos || close <= open + 1) {
    return std::nullopt;
  }
  return line->substr(open + 1, close - open - 1);
}

std::optional<int64_t> MemInfo(const std::string& root, const std::string& field) {
  std::ifstream file(root + "/proc/meminfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(field + ":")) continue;
    const size_t digit = line.find_first_of("0123456789");
    if (digit == std::string::npos) return std::nullopt;
    const auto kib = Size(line.substr(digit, line.find(' ', digit) - digit));
    if (!kib) return std::nullopt;
    return *kib * 1024;
  }
  return std::nullopt;
}

ProcessLimit Limit(const char* name, const char* key, decltype(RLIMIT_NOFILE) resource) {
  ProcessLimit limit = {name, key, std::nullopt};
  rlimit found = {};
  if (::getrlimit(resource, &found) != 0 || found.rlim_cur == RLIM_INFINITY) return limit;
  limit.value = static_cast<int64_t>(std::min<rlim_t>(found.rlim_cur, rlim_t{1} << 62));
  return limit;
}

}  // namespace

MachineFacts ReadMachineFacts(const std::string& root) {
  MachineFacts facts;
  facts.cpu_model = CpuModelName();
  facts.features = DetectCpuFeatures();
  facts.cpus = CombineCpus(CurrentThreadCpus(), CgroupCpuQuota(root));
  facts.last_cache_bytes = LastCacheBytes(root, facts.cpus.ids);
  facts.governor = FirstLine(root + "/sys/devices/system/cpu/cpu" +
                             std::to_string(facts.cpus.ids.front()) + "/cpufreq/scaling_governor");
  if (const auto smt = FirstLine(root + "/sys/devices/system/cpu/smt/active")) {
    facts.smt = *smt == "1";
  }
  if (const auto nodes = FirstLine(root + "/sys/devices/system/node/online")) {
    facts.num_numa_nodes = CountOfList(*nodes);
  }
  facts.load = Decimal(FirstLine(root + "/proc/loadavg"));
  facts.memory_bytes = MemInfo(root, "MemTotal");
  facts.available_bytes = MemInfo(root, "MemAvailable");
  facts.cgroup_memory = FindCgroupMemory(root);
  if (facts.cgroup_memory) {
    const int64_t granted = facts.cgroup_memory->available_bytes;
    facts.available_bytes = std::min(facts.available_bytes.value_or(granted), granted);
  }
  facts.huge_pages = Bracketed(FirstLine(root + "/sys/kernel/mm/transparent_hugepage/enabled"));
  facts.limits = {Limit("open files", "open_files", RLIMIT_NOFILE),
                  Limit("processes", "processes", RLIMIT_NPROC),
                  Limit("address space", "address_space_bytes", RLIMIT_AS)};
  return facts;
}

}  // namespace weir
