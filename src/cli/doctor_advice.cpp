// SPDX-License-Identifier: Apache-2.0
//
// What one could change about a machine, most effective first.
#include <fmt/format.h>

#include "cli/doctor_report.h"

namespace weir {
namespace {

constexpr double kGB = 1e9;
constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;

void AdviseKernels(const DoctorReport& report, std::vector<std::string>& advice) {
  const KernelReport& kernels = report.kernels;
  if (kernels.chosen.empty()) {
    advice.push_back("no kernels can be used: " + kernels.why);
    return;
  }
  if (!kernels.runnable.empty() && kernels.chosen != kernels.runnable.front()) {
    advice.push_back(fmt::format("unset WEIR_KERNELS: {} is faster than {}",
                                 kernels.runnable.front(), kernels.chosen));
  } else if (kernels.chosen == "reference") {
    advice.push_back(
        "this CPU has no AVX2 or AVX-512, so the plain reference kernels run, many times slower: "
        "use a newer CPU, or let the virtual machine see the host's features");
  }
}

void AdviseCpus(const MachineFacts& facts, std::vector<std::string>& advice) {
  const UsableCpus& cpus = facts.cpus;
  if (cpus.quota && *cpus.quota < static_cast<double>(cpus.ids.size())) {
    advice.push_back(fmt::format(
        "the control group grants {:.2f} CPUs of {}: steps that use it up are stopped until the "
        "next period; raise the quota or accept {} threads",
        *cpus.quota, cpus.ids.size(), cpus.num_threads));
  }
  if (facts.load && *facts.load > 0.5 * static_cast<double>(cpus.ids.size())) {
    advice.push_back(fmt::format(
        "the machine is busy: {:.1f} threads want to run on {} CPUs; what was measured here is too "
        "low, and steps wait for their slowest thread",
        *facts.load, cpus.ids.size()));
  }
  if (cpus.num_threads < 4) {
    advice.push_back(
        fmt::format("{} thread{}: prompts are computed as fast as there are cores; "
                    "give the process more",
                    cpus.num_threads, cpus.num_threads == 1 ? "" : "s"));
  }
  if (facts.smt.value_or(false)) {
    advice.push_back("CPUs share cores (SMT): try half the threads, --threads " +
                     std::to_string(std::max(1, cpus.num_threads / 2)));
  }
  if (facts.governor == "powersave" || facts.governor == "conservative") {
    advice.push_back("the CPU frequency governor is " + *facts.governor +
                     ": set it to performance, as short steps end before the clock has risen");
  }
  if (facts.num_numa_nodes.value_or(1) > 1) {
    advice.push_back(
        fmt::format("{} NUMA nodes: weights lie on one or several of them; run one "
                    "process per node with numactl --cpunodebind --membind",
                    *facts.num_numa_nodes));
  }
}

void AdviseMemory(const DoctorReport& report, std::vector<std::string>& advice) {
  const MachineFacts& facts = report.facts;
  if (facts.huge_pages && *facts.huge_pages != "always" && *facts.huge_pages != "madvise") {
    advice.push_back("transparent huge pages are " + *facts.huge_pages +
                     ": write madvise to /sys/kernel/mm/transparent_hugepage/enabled, so that "
                     "reading weights misses the TLB less");
  }
  if (facts.available_bytes && !report.largest_model) {
    advice.push_back(
        fmt::format("{:.1f} GiB of memory are available: too little for any Qwen3 "
                    "class in bf16; weir-tiny runs",
                    static_cast<double>(*facts.available_bytes) / kGiB));
  }
  if (facts.available_bytes && facts.memory_bytes && report.largest_model &&
      *facts.available_bytes < *facts.memory_bytes / 2) {
    advice.push_back(fmt::format(
        "only {:.1f} of {:.1f} GiB of memory are available: {} is the largest Qwen3 class that "
        "fits in bf16 ({:.1f} GB); free memory or raise the limit for a larger one",
        static_cast<double>(*facts.available_bytes) / kGiB,
        static_cast<double>(*facts.memory_bytes) / kGiB, report.largest_model->name,
        static_cast<double>(report.largest_model->weight_bytes) / kGB));
  }
  if (!report.bandwidth) {
    advice.push_back("memory bandwidth was not measured: too little memory is available");
  }
}

void AdviseLimits(const MachineFacts& facts, std::vector<std::string>& advice) {
  for (const ProcessLimit& limit : facts.limits) {
    const std::string key = limit.key;
    if (key == "open_files" && limit.value && *limit.value < 1024) {
      advice.push_back(fmt::format("{} open files at most (ulimit -n): each connection takes one",
                                   *limit.value));
    }
    if (key == "address_space_bytes" && limit.value) {
      advice.push_back(
          "the address space is limited (ulimit -v): mapped weights and the KV cache "
          "count in full; set it to unlimited");
    }
  }
}

}  // namespace

std::vector<std::string> Advise(const DoctorReport& report) {
  std::vector<std::string> advice;
  AdviseKernels(report, advice);
  AdviseCpus(report.facts, advice);
  AdviseMemory(report, advice);
  AdviseLimits(report.facts, advice);
  return advice;
}

}  // namespace weir
