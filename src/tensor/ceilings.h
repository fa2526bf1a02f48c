// SPDX-License-Identifier: Apache-2.0
//
// What the machine can do at this moment, to be measured around every benchmark: other tenants and
// a processor that shares its cores make figures of different minutes incomparable.
#ifndef WEIR_TENSOR_CEILINGS_H_
#define WEIR_TENSOR_CEILINGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include <weir/result.h>

#include "tensor/buffer.h"
#include "tensor/cpu_features.h"

namespace weir {

class ThreadPool;

// Rates of all threads together.
struct Ceilings {
  double read_gb_s = 0;  // streaming read from memory
  double f32_gf_s = 0;   // fused multiply-add in registers, two flop each
  double bf16_gf_s = 0;  // bf16 dot product in registers; 0 where the CPU has none

  // The peak for a product with bf16 operands: without the instruction they become f32.
  double dot_gf_s() const { return bf16_gf_s > 0 ? bf16_gf_s : f32_gf_s; }
};

using ReadLoop = double (*)(const char* p, int64_t bytes);

struct PeakLoop {
  double (*run)(int64_t steps);
  double flop_per_step;
};

class CeilingProbe {
 public:
  // Takes and writes memory of four times the last-level cache, at least 64 MiB.
  static Result<CeilingProbe> Make();

  // Medians over pieces of a fraction of a millisecond, about 20 ms together. Short pieces mostly
  // escape being preempted, as the kernels of a decode step do.
  Ceilings Measure(ThreadPool& pool);

 private:
  explicit CeilingProbe(Buffer memory);
  double ReadRate(ThreadPool& pool, ReadLoop read);
  double PeakRate(ThreadPool& pool, const PeakLoop& loop);

  CpuFeatures features_;
  Buffer memory_;
  std::vector<double> times_;
  std::vector<double> sums_;  // one per thread, so that the work cannot be optimised away
};

int64_t LastLevelCacheBytes();

// How often the system has taken a CPU from this process for another one. A time between two equal
// counts is the process's own.
int64_t NumPreemptions();

// Whether both ceilings of two probes differ by less than 15 %: what was measured between two such
// probes saw one state of the machine.
bool SameState(const Ceilings& a, const Ceilings& b);

std::string ToString(const Ceilings& c);

}  // namespace weir

#endif  // WEIR_TENSOR_CEILINGS_H_
