// SPDX-License-Identifier: Apache-2.0
//
// A doctor's report as text for people and as JSON for programs.
#include <fmt/format.h>

#include <weir/version.h>

#include "cli/doctor_report.h"

namespace weir {
namespace {

constexpr double kGB = 1e9;

template <class T>
Json OrNull(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

std::string OrUnknown(const std::optional<std::string>& value) { return value.value_or("unknown"); }

std::string Gib(const std::optional<int64_t>& bytes) {
  if (!bytes) return "unknown";
  return fmt::format("{:.1f} GiB", static_cast<double>(*bytes) / (1 << 30));
}

std::string Joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// Every step reads all weights once.
double TokensPerSecond(const BandwidthReport& bandwidth, const ModelFit& model) {
  return bandwidth.all_threads / static_cast<double>(model.weight_bytes);
}

Json CpuJson(const MachineFacts& facts) {
  return {{"model", facts.cpu_model},
          {"features", ToString(facts.features)},
          {"ids", facts.cpus.ids},
          {"threads", facts.cpus.num_threads},
          {"why", facts.cpus.why},
          {"quota", OrNull(facts.cpus.quota)},
          {"smt", OrNull(facts.smt)},
          {"governor", OrNull(facts.governor)},
          {"last_cache_bytes", OrNull(facts.last_cache_bytes)},
          {"numa_nodes", OrNull(facts.num_numa_nodes)},
          {"load", OrNull(facts.load)}};
}

Json MemoryJson(const DoctorReport& report) {
  const MachineFacts& facts = report.facts;
  const auto& cgroup = facts.cgroup_memory;
  Json json = {{"total_bytes", OrNull(facts.memory_bytes)},
               {"available_bytes", OrNull(facts.available_bytes)},
               {"cgroup_limit_bytes", cgroup ? Json(cgroup->limit_bytes) : Json(nullptr)},
               {"transparent_huge_pages", OrNull(facts.huge_pages)},
               {"read_probe_bytes", nullptr},
               {"read_bytes_per_second_1_thread", nullptr},
               {"read_bytes_per_second", nullptr}};
  if (report.bandwidth) {
    json["read_probe_bytes"] = report.bandwidth->probe_bytes;
    json["read_bytes_per_second_1_thread"] = report.bandwidth->one_thread;
    json["read_bytes_per_second"] = report.bandwidth->all_threads;
  }
  return json;
}

Json ModelJson(const DoctorReport& report) {
  if (!report.largest_model) return nullptr;
  Json json = {{"name", report.largest_model->name},
               {"weight_bytes", report.largest_model->weight_bytes},
               {"max_tokens_per_second", nullptr}};
  if (report.bandwidth) {
    json["max_tokens_per_second"] = TokensPerSecond(*report.bandwidth, *report.largest_model);
  }
  return json;
}

std::string KernelText(const KernelReport& kernels) {
  if (kernels.chosen.empty()) return "none: " + kernels.why;
  std::string text = fmt::format("{} ({}); this CPU runs {}", kernels.chosen, kernels.why,
                                 Joined(kernels.runnable));
  if (!kernels.from_reference.empty()) text += "; from reference: " + kernels.from_reference;
  return text;
}

std::string BandwidthText(const DoctorReport& report) {
  if (!report.bandwidth) return "unknown";
  const BandwidthReport& b = *report.bandwidth;
  return fmt::format("{:.1f} GB/s with 1 thread, {:.1f} GB/s with {} (over {} MiB)",
                     b.one_thread / kGB, b.all_threads / kGB, report.facts.cpus.num_threads,
                     b.probe_bytes >> 20);
}

std::string ModelText(const DoctorReport& report) {
  if (!report.largest_model) return report.facts.available_bytes ? "none of Qwen3" : "unknown";
  const ModelFit& model = *report.largest_model;
  std::string text = fmt::format("{}, {:.1f} GB of weights", model.name,
                                 static_cast<double>(model.weight_bytes) / kGB);
  if (report.bandwidth) {
    text += fmt::format("; one sequence decodes at most {:.1f} tokens/s",
                        TokensPerSecond(*report.bandwidth, model));
  }
  return text;
}

std::string LimitsText(const std::vector<ProcessLimit>& limits) {
  std::vector<std::string> words;
  for (const ProcessLimit& limit : limits) {
    words.push_back(std::string(limit.name) + ' ' +
                    (limit.value ? std::to_string(*limit.value) : "unlimited"));
  }
  return Joined(words);
}

}  // namespace

Json ToJson(const DoctorReport& report) {
  Json limits = Json::object();
  for (const ProcessLimit& limit : report.facts.limits) limits[limit.key] = OrNull(limit.value);
  const KernelReport& kernels = report.kernels;
  return {{"version", Version()},
          {"cpu", CpuJson(report.facts)},
          {"kernels",
           {{"runnable", kernels.runnable},
            {"chosen", kernels.chosen.empty() ? Json(nullptr) : Json(kernels.chosen)},
            {"why", kernels.why},
            {"from_reference", kernels.from_reference}}},
          {"memory", MemoryJson(report)},
          {"largest_model", ModelJson(report)},
          {"limits", limits},
          {"advice", report.advice}};
}

std::string ToText(const DoctorReport& report) {
  const MachineFacts& facts = report.facts;
  std::string text;
  const auto line = [&](std::string_view name, const std::string& value) {
    text += fmt::format("{:<13}{}\n", name, value);
  };
  const auto& nodes = facts.num_numa_nodes;
  line("weir", Version());
  line("cpu", facts.cpu_model);
  line("features", ToString(facts.features));
  line("kernels", KernelText(report.kernels));
  line("threads", fmt::format("{} ({})", facts.cpus.num_threads, facts.cpus.why));
  line("load", facts.load ? fmt::format("{:.1f}", *facts.load) : "unknown");
  line("smt", facts.smt ? (*facts.smt ? "on" : "off") : "unknown");
  line("governor", OrUnknown(facts.governor));
  line("numa nodes", nodes ? std::to_string(*nodes) : "unknown");
  line("last cache",
       facts.last_cache_bytes
           ? fmt::format("{:.0f} MiB", static_cast<double>(*facts.last_cache_bytes) / (1 << 20))
           : "unknown");
  line("memory", fmt::format("{}, {} available, control group limit {}", Gib(facts.memory_bytes),
                             Gib(facts.available_bytes),
                             facts.cgroup_memory ? Gib(facts.cgroup_memory->limit_bytes) : "none"));
  line("huge pages", OrUnknown(facts.huge_pages));
  line("memory read", BandwidthText(report));
  line("largest bf16", ModelText(report));
  line("limits", LimitsText(facts.limits));
  text += report.advice.empty() ? "\nNothing to change was found.\n" : "\nWhat you could change:\n";
  for (const std::string& advice : report.advice) text += "- " + advice + '\n';
  return text;
}

}  // namespace weir
