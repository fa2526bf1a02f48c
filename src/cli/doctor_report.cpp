// SPDX-License-Identifier: Apache-2.0
#include "cli/doctor_report.h"

#include <algorithm>

#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "loader/synth/preset.h"
#include "tensor/buffer.h"
#include "tensor/memory_probe.h"

namespace weir {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

// Four times what the caches hold, so that a pass finds little of the one before; the bounds keep
// the test within a second and within the memory there is.
int64_t ProbeBytes(const MachineFacts& facts) {
  const int64_t wanted = 4 * facts.last_cache_bytes.value_or(64 * kMiB);
  const int64_t affordable = facts.available_bytes.value_or(256 * kMiB) / 4;
  const int64_t bytes = std::min({std::max(wanted, 64 * kMiB), 1024 * kMiB, affordable});
  return bytes / kMiB * kMiB;
}

int64_t WeightBytes(const SynthPreset& preset) {
  int64_t bytes = 0;
  for (const SynthTensor& tensor : SynthTensors(preset)) {
    bytes += tensor.info.shape.num_elements() * DTypeBytes(tensor.info.dtype);
  }
  return bytes;
}

}  // namespace

KernelReport ReportKernels(std::string_view forced, const CpuFeatures& features) {
  KernelReport report;
  for (const KernelTable* table : AllKernelTables()) {
    if (table->runs_on(features)) report.runnable.push_back(table->name);
  }
  const auto choice = ChooseKernels(forced, features);
  if (choice) {
    report.chosen = choice->table.name;
    report.why = choice->why;
    report.from_reference = choice->from_reference;
  } else {
    report.why = choice.error().message;
  }
  return report;
}

std::optional<BandwidthReport> MeasureBandwidth(const MachineFacts& facts) {
  const int64_t bytes = ProbeBytes(facts);
  if (bytes < 16 * kMiB) return std::nullopt;
  const auto buffer = Buffer::Allocate(bytes);
  if (!buffer) return std::nullopt;
  const int64_t num_words = bytes / 8;
  auto* words = buffer->as<uint64_t>();
  ThreadPool all({.num_threads = facts.cpus.num_threads});
  // Each thread writes what it will read, so that on several NUMA nodes it reads what is near.
  all.ForRanges(num_words, 8, [&](int64_t begin, int64_t end, int32_t) {
    std::fill(words + begin, words + end, uint64_t{1});
  });
  const std::span<const uint64_t> span(words, static_cast<size_t>(num_words));
  constexpr double kSeconds = 0.3;
  const double all_threads = ProbeRead(all, span, kSeconds).bytes_per_second;
  ThreadPool one({.num_threads = 1});
  const double one_thread = ProbeRead(one, span, kSeconds).bytes_per_second;
  return BandwidthReport{bytes, one_thread, all_threads};
}

std::optional<ModelFit> LargestModel(std::optional<int64_t> available_bytes) {
  if (!available_bytes) return std::nullopt;
  std::optional<ModelFit> largest;
  for (const SynthPreset& preset : SynthPresets()) {
    if (!std::string_view(preset.name).starts_with("qwen3")) continue;  // not the one for tests
    const int64_t bytes = WeightBytes(preset);
    if (bytes + bytes / 10 + 512 * kMiB > *available_bytes) continue;
    if (!largest || bytes > largest->weight_bytes) largest = ModelFit{preset.name, bytes};
  }
  return largest;
}

DoctorReport Examine(std::string_view forced_kernels) {
  DoctorReport report;
  report.facts = ReadMachineFacts("/");
  report.kernels = ReportKernels(forced_kernels, report.facts.features);
  report.largest_model = LargestModel(report.facts.available_bytes);
  report.bandwidth = MeasureBandwidth(report.facts);
  report.advice = Advise(report);
  return report;
}

}  // namespace weir
