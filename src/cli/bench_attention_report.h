// SPDX-License-Identifier: Apache-2.0
//
// What `weir bench attention` found: as a table, as JSON with all samples, as a picture of ratios.
#ifndef WEIR_CLI_BENCH_ATTENTION_REPORT_H_
#define WEIR_CLI_BENCH_ATTENTION_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/bench_attention_run.h"
#include "cli/bench_stats.h"

namespace weir {

// A policy's time over weir's, round by round.
struct RatioSummary {
  double median;
  Interval interval;
  Verdict verdict;
};

struct PolicySummary {
  std::string policy;
  double median_ms;
  double deviation_ms;  // median distance from the median
  double p10_ms;
  double p90_ms;
  double rate;      // GB/s of a decode, GF/s of a prefill, 0 of a mixed step
  double fraction;  // of the ceiling; of a mixed step: of the bound, which the bound's time over
                    // the step's is
  std::optional<RatioSummary> to_weir;  // none for weir itself, or where it did not run
};

struct BenchReport {
  std::string table;
  bool has_dot;  // whether the table uses the dot instruction that a prefill is compared with
  std::string profile;
  int32_t num_threads;
  bool batch_invariant;
  int32_t rounds;
  std::vector<CaseSamples> cases;
};

std::vector<PolicySummary> Summarise(const BenchReport& report, const CaseSamples& samples);

// Whether the machine was in one state during at least three quarters of the rounds.
bool Steady(const CaseSamples& samples);

std::string ToText(const BenchReport& report);
Json ToJson(const BenchReport& report);
// Dots with whiskers: the ratio of each policy to weir with its interval, case by case.
std::string RatioChart(const BenchReport& report);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_ATTENTION_REPORT_H_
