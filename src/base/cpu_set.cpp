// SPDX-License-Identifier: Apache-2.0
#include "base/cpu_set.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fmt/format.h>
#include <memory>
#include <sched.h>
#include <utility>

#include "base/cgroup.h"

namespace weir {
namespace {

struct FreeCpuSet {
  void operator()(cpu_set_t* set) const { CPU_FREE(set); }
};
using CpuSetPtr = std::unique_ptr<cpu_set_t, FreeCpuSet>;

constexpr int kMostCpus = 1 << 20;

std::vector<int32_t> Members(const cpu_set_t* set, size_t bytes) {
  std::vector<int32_t> ids;
  for (int32_t id = 0; id < static_cast<int32_t>(bytes * 8); ++id) {
    if (CPU_ISSET_S(static_cast<size_t>(id), bytes, set)) ids.push_back(id);
  }
  return ids;
}

}  // namespace

std::vector<int32_t> CurrentThreadCpus() {
  // The kernel answers EINVAL while the mask is smaller than its own.
  for (int size = 1024; size <= kMostCpus; size *= 2) {
    const CpuSetPtr set(CPU_ALLOC(static_cast<size_t>(size)));
    if (set == nullptr) return {};
    const size_t bytes = CPU_ALLOC_SIZE(static_cast<size_t>(size));
    CPU_ZERO_S(bytes, set.get());
    if (::sched_getaffinity(0, bytes, set.get()) == 0) return Members(set.get(), bytes);
    if (errno != EINVAL) return {};
  }
  return {};
}

bool BindCurrentThread(std::span<const int32_t> cpus) {
  if (cpus.empty()) return false;
  const auto [least, most] = std::minmax_element(cpus.begin(), cpus.end());
  if (*least < 0 || *most >= kMostCpus) return false;
  const size_t size = static_cast<size_t>(*most) + 1;
  const CpuSetPtr set(CPU_ALLOC(size));
  if (set == nullptr) return false;
  const size_t bytes = CPU_ALLOC_SIZE(size);
  CPU_ZERO_S(bytes, set.get());
  for (const int32_t cpu : cpus) CPU_SET_S(static_cast<size_t>(cpu), bytes, set.get());
  return ::sched_setaffinity(0, bytes, set.get()) == 0;
}

std::string FormatCpuList(std::span<const int32_t> ascending) {
  std::string text;
  for (size_t i = 0; i < ascending.size();) {
    size_t last = i;
    while (last + 1 < ascending.size() && ascending[last + 1] == ascending[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text += std::to_string(ascending[i]);
    if (last > i) text += '-' + std::to_string(ascending[last]);
    i = last + 1;
  }
  return text.empty() ? "none" : text;
}

UsableCpus CombineCpus(std::vector<int32_t> ids, std::optional<double> quota) {
  UsableCpus usable;
  const bool known = !ids.empty();
  usable.ids = known ? std::move(ids) : std::vector<int32_t>{0};
  usable.num_threads = static_cast<int32_t>(usable.ids.size());
  usable.why = known ? "affinity " + FormatCpuList(usable.ids) : "affinity unknown";
  // Not so for NaN, zero or less: such a quota is nobody's meaning.
  if (quota && *quota > 0.0) {
    usable.quota = quota;
    usable.why += fmt::format(", cgroup quota {:.2f}", *quota);
    const double whole = std::ceil(*quota);
    if (whole < usable.num_threads) usable.num_threads = static_cast<int32_t>(whole);
  }
  return usable;
}

UsableCpus FindUsableCpus() { return CombineCpus(CurrentThreadCpus(), CgroupCpuQuota("/")); }

}  // namespace weir
