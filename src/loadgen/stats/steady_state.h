// SPDX-License-Identifier: Apache-2.0
//
// The part of a run in which the load was full: from the first to the last moment at which at least
// 95 % of the largest concurrency was in flight. What comes before is the load building up, what
// comes after is requests that end one by one. Shorter dips inside belong to it: between the end of
// a request and the start of the next one there is always one.
#ifndef WEIR_LOADGEN_STATS_STEADY_STATE_H_
#define WEIR_LOADGEN_STATS_STEADY_STATE_H_

#include <cstdint>
#include <optional>
#include <span>

#include "loadgen/stats/request_outcome.h"
#include "loadgen/stats/statistics.h"

namespace weir::loadgen {

inline constexpr double kSteadyPart = 0.95;

struct SteadyState {
  double begin_s = 0;  // of the clock of the outcomes
  double end_s = 0;
  int64_t concurrency = 0;  // in flight at least, dips apart
  int64_t num_ended = 0;    // requests that ended inside
  double output_throughput =
      0;  // tokens per second; a chunk counts as its request's tokens per chunk
  double request_throughput = 0;  // ended per second
  Distribution ttft_s;  // of requests that started inside and had their first chunk inside
  Distribution tpot_s;  // of requests whose first and last chunks are inside
  Distribution itl_s;   // of gaps that lie inside
};

// None when nothing completed or the window has no length. `output_lens` as in Metrics.
std::optional<SteadyState> FindSteadyState(std::span<const RequestOutcome> outcomes,
                                           std::span<const int64_t> output_lens);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_STATS_STEADY_STATE_H_
