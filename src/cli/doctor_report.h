// SPDX-License-Identifier: Apache-2.0
//
// What `weir doctor` says about a machine: the facts, what follows from them, what was measured,
// and what one could change.
#ifndef WEIR_CLI_DOCTOR_REPORT_H_
#define WEIR_CLI_DOCTOR_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "cli/machine_facts.h"

namespace weir {

struct KernelReport {
  std::vector<std::string> runnable;  // names, best first
  std::string chosen;                 // empty: the choice is an error
  std::string why;                    // of the choice, or the error
  std::string from_reference;         // ops that the reference fills
};

struct BandwidthReport {
  int64_t probe_bytes;  // memory that was read in each pass
  double one_thread;    // bytes per second
  double all_threads;
};

// A model class by its public Qwen3 shape.
struct ModelFit {
  std::string name;      // "qwen3-4b"
  int64_t weight_bytes;  // in bf16
};

struct DoctorReport {
  MachineFacts facts;
  KernelReport kernels;
  std::optional<BandwidthReport> bandwidth;  // none: not measured, see the advice
  std::optional<ModelFit> largest_model;     // none: memory unknown, or too little for any
  std::vector<std::string> advice;
};

// `forced` is WEIR_KERNELS. An error of the choice is part of the report.
KernelReport ReportKernels(std::string_view forced, const CpuFeatures& features);

// Takes about a second and a quarter of the available memory at most; none when that is too little
// to tell memory from cache.
std::optional<BandwidthReport> MeasureBandwidth(const MachineFacts& facts);

// The largest that fits with a tenth more for packing and half a GiB for KV cache and the process.
std::optional<ModelFit> LargestModel(std::optional<int64_t> available_bytes);

// What one could change, most effective first; empty when nothing is known to be wrong.
std::vector<std::string> Advise(const DoctorReport& report);

DoctorReport Examine(std::string_view forced_kernels);

Json ToJson(const DoctorReport& report);         // unknown values are null
std::string ToText(const DoctorReport& report);  // unknown values are "unknown"

}  // namespace weir

#endif  // WEIR_CLI_DOCTOR_REPORT_H_
