// SPDX-License-Identifier: Apache-2.0
//
// Steps of the engine as a Weir server tells them on GET /weir/steps, and which of them stretched
// which gap.
#ifndef WEIR_LOADGEN_MIXED_SERVER_STEPS_H_
#define WEIR_LOADGEN_MIXED_SERVER_STEPS_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <weir/result.h>

#include "base/json.h"
#include "loadgen/report/series.h"

namespace weir::loadgen {

struct ServerStep {
  int64_t step = 0;
  double begin_us = 0;  // of the server's clock
  double total_us = 0;
  std::map<std::string, int64_t> num_tokens;  // by class of row: "decode", "fresh_prefill", ...
};

struct ServerSteps {
  std::vector<ServerStep> steps;             // ascending
  std::map<std::string, double> arrived_us;  // of requests by label
  int64_t next = 0;                          // what to ask for afterwards
};

// Reads one answer; members that it does not know are skipped.
Result<ServerSteps> ReadServerSteps(const Json& answer);

// Adds to `all` what a later answer holds.
void Append(ServerSteps more, ServerSteps& all);

// Seconds of the client's clock minus those of the server's: as large as it can be so that no
// request arrived before it was sent. None when no label is known. `sent_s` is by label.
std::optional<double> ClockOffset(const ServerSteps& steps,
                                  const std::map<std::string, double>& sent_s);

// The longest step that overlaps the span; null when there is none.
const ServerStep* LongestStepIn(const ServerSteps& steps, double offset_s, const Span& span);

// "step 812: 41.2 ms, 8 decode, 2048 fresh_prefill"
std::string DescribeStep(const ServerStep& step);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_MIXED_SERVER_STEPS_H_
