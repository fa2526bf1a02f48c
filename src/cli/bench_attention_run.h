// SPDX-License-Identifier: Apache-2.0
//
// Times the policies of attention against each other on this machine. Within a round each policy
// gives one sample, and the round after starts with the next policy, so that all meet the same
// states of the machine and none is always the first. Ceilings are measured between rounds.
#ifndef WEIR_CLI_BENCH_ATTENTION_RUN_H_
#define WEIR_CLI_BENCH_ATTENTION_RUN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weir/result.h>

#include "base/thread_pool.h"
#include "cli/attention_workload.h"
#include "cli/bench_attention_cases.h"
#include "tensor/ceilings.h"

namespace weir {

struct BenchSettings {
  KernelTable table;
  DeviceProfile device;  // its workers are the threads
  std::vector<AttnPolicy> policies;
  int32_t rounds;
};

struct PolicySamples {
  std::string policy;
  int32_t num_items;
  int32_t num_slots;
  bool same_plan;               // the same items as weir's: what differs is noise
  std::vector<double> seconds;  // by round: of a call, the median of the sample's
};

// What a mixed step could take, by round: the better of reading and computing, each at what was
// measured beside it, and 100 us.
struct MixedBound {
  double decode_bytes;                // M
  double prefill_flops;               // C
  std::vector<double> one_read_gb_s;  // b1: one thread streams
  std::vector<double> one_gflop_s;    // F1: one thread computes the step's prefills alone
  std::vector<double> seconds;        // max(M / B, (C / F1 + M / b1) / T) + 100 us
};

struct CaseSamples {
  std::string shape_name;
  AttnShape shape;
  BenchCase bench_case;
  int32_t calls_per_sample;
  std::vector<Ceilings> ceilings;  // of all threads, before each round and after the last
  std::vector<PolicySamples> policies;
  std::optional<MixedBound> bound;  // of a mixed step

  // Mean of those on both sides of a round.
  Ceilings CeilingsOf(size_t round) const;
};

class AttentionBench {
 public:
  static Result<AttentionBench> Make(BenchSettings settings);

  ThreadPool& pool() { return *all_; }
  Result<CaseSamples> Run(const BenchShape& shape, const AttentionData& data,
                          const BenchCase& bench_case);

 private:
  AttentionBench(BenchSettings settings, CeilingProbe probe);
  int32_t CallsPerSample(std::vector<AttentionCall>& calls);
  double Sample(AttentionCall& call, int32_t num_calls);
  void Round(std::vector<AttentionCall>& calls, AttentionCall* prefills, CaseSamples& samples);

  BenchSettings settings_;
  CeilingProbe probe_;
  std::unique_ptr<ThreadPool> one_;
  std::unique_ptr<ThreadPool> all_;
  std::unique_ptr<CallerPin> pin_;
};

// One bound of MixedBound in seconds, without the 100 us.
double MixedStepSeconds(double decode_bytes, double prefill_flops, const Ceilings& all,
                        double one_read_gb_s, double one_gflop_s, int32_t num_threads);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_ATTENTION_RUN_H_
