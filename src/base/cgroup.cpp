// SPDX-License-Identifier: Apache-2.0
#include "base/cgroup.h"

#include <algorithm>
#include <charconv>
#include <fstream>

namespace weir {
namespace {

using cgroup_internal::ParseCfs;
using cgroup_internal::ParseCpuMax;
using cgroup_internal::PathOf;
using cgroup_internal::Upwards;

constexpr std::streamsize kMostBytes = 64 * 1024;

// The beginning of a file; empty when it cannot be read.
std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text(static_cast<size_t>(kMostBytes), '\0');
  file.read(text.data(), kMostBytes);
  text.resize(static_cast<size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  return text;
}

// Takes the first word off `text`.
std::string_view Word(std::string_view& text) {
  constexpr std::string_view kBlank = " \t\n";
  text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(kBlank));
  text.remove_prefix(word.size());
  return word;
}

// A whole number that is all of `word`.
std::optional<int64_t> Number(std::string_view word) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::optional<int64_t> OnlyNumber(std::string_view text) {
  const std::optional<int64_t> value = Number(Word(text));
  return Word(text).empty() ? value : std::nullopt;
}

std::optional<double> Ratio(std::optional<int64_t> quota, std::optional<int64_t> period) {
  if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
  return static_cast<double>(*quota) / static_cast<double>(*period);
}

template <class T>
void KeepSmaller(std::optional<T>& best, const std::optional<T>& other) {
  if (other && (!best || *other < *best)) best = other;
}

// The value after `key` in a text of lines "key value".
std::optional<int64_t> Field(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (Word(line) == key) return Number(Word(line));
  }
  return std::nullopt;
}

struct MemoryFiles {
  const char* limit;
  const char* used;
  const char* idle_field;  // of memory.stat: pages of files that can be dropped at once
};

constexpr MemoryFiles kMemoryV2 = {"memory.max", "memory.current", "inactive_file"};
constexpr MemoryFiles kMemoryV1 = {"memory.limit_in_bytes", "memory.usage_in_bytes",
                                   "total_inactive_file"};

std::optional<CgroupMemory> MemoryOf(const std::string& folder, const MemoryFiles& files) {
  const auto limit = OnlyNumber(ReadText(folder + files.limit));
  const auto used = OnlyNumber(ReadText(folder + files.used));
  // Version 1 says "no limit" as the largest multiple of a page.
  if (!limit || !used || *limit < 0 || *used < 0 || *limit >= (int64_t{1} << 60)) {
    return std::nullopt;
  }
  const int64_t idle = Field(ReadText(folder + "memory.stat"), files.idle_field).value_or(0);
  const int64_t held = *used - std::clamp<int64_t>(idle, 0, *used);
  return CgroupMemory{*limit, std::max<int64_t>(0, *limit - held)};
}

// Folders of this process's group and those above it, each with a slash at its end, nearest first.
std::vector<std::string> Folders(const std::string& root, std::string_view controller,
                                 std::initializer_list<const char*> mounts) {
  std::vector<std::string> folders;
  const auto path = PathOf(ReadText(root + "/proc/self/cgroup"), controller);
  if (!path) return folders;
  for (const char* mount : mounts) {
    for (const std::string& group : Upwards(*path)) {
      folders.push_back(root + "/sys/fs/cgroup" + mount + group + (group == "/" ? "" : "/"));
    }
  }
  return folders;
}

}  // namespace

std::optional<double> cgroup_internal::ParseCpuMax(std::string_view text) {
  const auto quota = Number(Word(text));
  const auto period = Number(Word(text));
  return Word(text).empty() ? Ratio(quota, period) : std::nullopt;
}

std::optional<double> cgroup_internal::ParseCfs(std::string_view quota, std::string_view period) {
  return Ratio(OnlyNumber(quota), OnlyNumber(period));
}

std::optional<std::string> cgroup_internal::PathOf(std::string_view proc_self_cgroup,
                                                   std::string_view controller) {
  while (!proc_self_cgroup.empty()) {
    const std::string_view line = proc_self_cgroup.substr(0, proc_self_cgroup.find('\n'));
    proc_self_cgroup.remove_prefix(std::min(line.size() + 1, proc_self_cgroup.size()));
    const size_t first = line.find(':');  // "4:cpu,cpuacct:/path", "0::/path"
    if (first == std::string_view::npos) continue;
    const size_t second = line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string list = ',' + std::string(line.substr(first + 1, second - first - 1)) + ',';
    if (list.find(',' + std::string(controller) + ',') == std::string::npos) continue;
    const std::string_view path = line.substr(second + 1);
    if (path.starts_with('/')) return std::string(path);
  }
  return std::nullopt;
}

std::vector<std::string> cgroup_internal::Upwards(std::string_view path) {
  std::vector<std::string> groups;
  const std::string with_slash = std::string(path) + '/';
  if (with_slash.find("/../") != std::string::npos) path = "/";
  while (path.size() > 1) {
    if (path.back() != '/') groups.emplace_back(path);
    path = path.substr(0, path.rfind('/'));
  }
  groups.emplace_back("/");
  return groups;
}

std::optional<double> CgroupCpuQuota(const std::string& root) {
  std::optional<double> least;
  for (const std::string& folder : Folders(root, "", {"", "/unified"})) {
    KeepSmaller(least, ParseCpuMax(ReadText(folder + "cpu.max")));
  }
  for (const std::string& folder : Folders(root, "cpu", {"/cpu", "/cpu,cpuacct", "/cpuacct,cpu"})) {
    KeepSmaller(least, ParseCfs(ReadText(folder + "cpu.cfs_quota_us"),
                                ReadText(folder + "cpu.cfs_period_us")));
  }
  return least;
}

std::optional<CgroupMemory> FindCgroupMemory(const std::string& root) {
  std::optional<CgroupMemory> least;
  const auto consider = [&](const std::vector<std::string>& folders, const MemoryFiles& files) {
    for (const std::string& folder : folders) {
      const auto found = MemoryOf(folder, files);
      if (!found) continue;
      if (!least || found->available_bytes < least->available_bytes) least = found;
    }
  };
  consider(Folders(root, "", {"", "/unified"}), kMemoryV2);
  consider(Folders(root, "memory", {"/memory"}), kMemoryV1);
  return least;
}

}  // namespace weir
