// SPDX-License-Identifier: Apache-2.0
//
// The figures of `vllm bench serve` from what was observed of the requests, by its Python tool's
// definitions and in the same order of additions. docs/benchmarking.md has the formulas.
#ifndef WEIR_LOADGEN_STATS_METRICS_H_
#define WEIR_LOADGEN_STATS_METRICS_H_

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/stats/request_outcome.h"
#include "loadgen/stats/statistics.h"

namespace weir::loadgen {

enum class Metric { kTtft, kTpot, kItl, kE2el, kQueue, kE2elWithQueue };

struct MetricName {
  Metric metric;
  const char* key;      // of options and JSON: "ttft"
  const char* label;    // "TTFT"
  const char* heading;  // "Time to First Token"
};
std::span<const MetricName> MetricNames();
const MetricName* FindMetric(std::string_view key);  // null when there is none

// What a request has to keep to be a good one, in milliseconds. A limit that is met exactly is
// kept.
struct Slo {
  std::optional<double> ttft_ms;
  std::optional<double> tpot_ms;
  std::optional<double> e2el_ms;

  bool any() const { return ttft_ms || tpot_ms || e2el_ms; }
};

struct MetricsOptions {
  Slo slo;
  // Tokens of a text, for answers whose length the server does not tell. Without it the chunks are
  // counted, which is right only where every chunk is one token.
  std::function<int64_t(std::string_view)> count_tokens;
};

struct Metrics {
  double duration_s = 0;
  int64_t completed = 0;
  int64_t failed = 0;
  int64_t interrupted = 0;  // sent, but not ended when the run was
  int64_t total_input = 0;
  int64_t total_output = 0;
  double request_throughput = 0;
  std::optional<double> request_goodput;  // when there are limits
  double output_throughput = 0;
  double total_token_throughput = 0;
  double max_output_tokens_per_s = 0;  // most chunks in a second, seconds counted from the start
  int64_t max_concurrent_requests = 0;
  std::vector<int64_t> output_lens;     // of every outcome; 0 when it did not complete
  int64_t num_uncounted = 0;            // completed requests whose length the server did not tell
  std::array<Distribution, 6> seconds;  // by Metric

  const Distribution& of(Metric metric) const { return seconds[static_cast<size_t>(metric)]; }
};

Metrics ComputeMetrics(std::span<const RequestOutcome> outcomes, double duration_s,
                       const MetricsOptions& options);

// The largest number of half-open intervals [begin, end) that overlap.
int64_t PeakOverlap(std::span<const std::pair<double, double>> intervals);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_STATS_METRICS_H_
