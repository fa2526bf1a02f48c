// SPDX-License-Identifier: Apache-2.0
//
// Records of an engine as somebody outside has them: from `GET /weir/steps` or from a trace file.
#ifndef WEIR_ENGINE_STEP_LOG_H_
#define WEIR_ENGINE_STEP_LOG_H_

#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>
#include <weir/stats.h>

namespace weir {

struct StepLog {
  std::vector<StepRecord> steps;        // ascending, without doubles
  std::vector<RowRecord> rows;          // ascending by step
  std::vector<RequestRecord> requests;  // in order of arrival
  StepCost cost = {};                   // the newest there is; all zero: none
  int64_t num_dropped = 0;              // records that a trace could not hold
};

// The answer of `GET /weir/steps` (step_json.h). Anything malformed is kInvalidRequest.
Result<StepLog> ParseStepLog(std::string_view json, std::string_view where);

// A trace file's text (trace_writer.h). A last line that was cut off, as when the process died, is
// left out; anything else malformed is kInvalidRequest and names the line.
Result<StepLog> ParseTrace(std::string_view text, std::string_view where);

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_LOG_H_
