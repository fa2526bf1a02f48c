// SPDX-License-Identifier: Apache-2.0
//
// What the server says about itself on /metrics (Prometheus text), before and after a run, for a
// check of the client's figures by the server's own.
#ifndef WEIR_LOADGEN_SERVE_SERVER_METRICS_H_
#define WEIR_LOADGEN_SERVE_SERVER_METRICS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/stats/metrics.h"

namespace weir::loadgen {

// Sums over all label sets by name, as "vllm:generation_tokens_total". Lines that are none are
// skipped.
struct ServerMetrics {
  std::map<std::string, double, std::less<>> sums;
  std::map<int64_t, double> accepted_by_position;  // of speculative decoding
};
ServerMetrics ReadServerMetrics(std::string_view text);

struct CheckRow {
  std::string what;  // "Output tokens"
  double client = 0;
  double server = 0;

  double difference() const { return client - server; }
};

// The figures that both sides have. Empty when the server counts none of them.
std::vector<CheckRow> CrossCheck(const ServerMetrics& before, const ServerMetrics& after,
                                 const Metrics& metrics);

struct SpecDecode {
  double acceptance_rate = 0;  // percent
  double acceptance_length = 0;
  int64_t num_drafts = 0;
  int64_t draft_tokens = 0;
  int64_t accepted_tokens = 0;
  std::vector<double> per_position;
};

// None when the server does not speculate or drafted nothing between the two.
std::optional<SpecDecode> SpecDecodeBetween(const ServerMetrics& before,
                                            const ServerMetrics& after);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_SERVE_SERVER_METRICS_H_
