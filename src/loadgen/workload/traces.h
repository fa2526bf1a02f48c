// SPDX-License-Identifier: Apache-2.0
//
// Lengths, and arrival times, that were recorded elsewhere: `burstgpt` and `timed_trace`.
#ifndef WEIR_LOADGEN_WORKLOAD_TRACES_H_
#define WEIR_LOADGEN_WORKLOAD_TRACES_H_

#include <weir/result.h>

#include "loadgen/workload/workload.h"

namespace weir::loadgen {

// BurstGPT's CSV: rows of GPT-4 whose answer is not empty, drawn as vLLM draws them; with
// `self_timed` the first ones in their order, at their times.
Result<Workload> MakeBurstGpt(const WorkloadOptions& options);

// A JSON object per line: a time, lengths, and ids of the prompt's pieces. Equal ids make equal
// tokens, so prompts share prefixes as they did where the trace was recorded.
Result<Workload> MakeTimedTrace(const WorkloadOptions& options);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_TRACES_H_
