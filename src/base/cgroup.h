// SPDX-License-Identifier: Apache-2.0
//
// The limits that Linux control groups put on this process, of version 1 and 2. A group is bound by
// its own limit and by those of all groups above it, so the smallest on the way up counts. What
// cannot be read or makes no sense counts as no limit.
//
// `root` is "/" except in tests, which pass a folder that holds proc/self/cgroup and sys/fs/cgroup.
#ifndef WEIR_BASE_CGROUP_H_
#define WEIR_BASE_CGROUP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

// CPUs' worth of time per period: 1.5 lets three threads run half of the time each.
std::optional<double> CgroupCpuQuota(const std::string& root);

struct CgroupMemory {
  int64_t limit_bytes;
  int64_t available_bytes;  // limit less use; pages of files not used lately count as available
};

// Of the group on the way up that has least available.
std::optional<CgroupMemory> FindCgroupMemory(const std::string& root);

namespace cgroup_internal {

// The text of cpu.max: "200000 100000" is 2.0, "max 100000" is no limit.
std::optional<double> ParseCpuMax(std::string_view text);
// The texts of cpu.cfs_quota_us and cpu.cfs_period_us; a quota of -1 is no limit.
std::optional<double> ParseCfs(std::string_view quota, std::string_view period);
// The path of this process in the hierarchy of `controller` ("" for version 2) as the text of
// /proc/self/cgroup gives it.
std::optional<std::string> PathOf(std::string_view proc_self_cgroup, std::string_view controller);
// {"/a/b", "/a", "/"} for "/a/b". A path with ".." lies outside of what can be seen: {"/"}.
std::vector<std::string> Upwards(std::string_view path);

}  // namespace cgroup_internal
}  // namespace weir

#endif  // WEIR_BASE_CGROUP_H_
