// SPDX-License-Identifier: Apache-2.0
//
// Datasets of text in files: `sharegpt`, `custom` and `sonnet`.
#ifndef WEIR_LOADGEN_WORKLOAD_CONVERSATIONS_H_
#define WEIR_LOADGEN_WORKLOAD_CONVERSATIONS_H_

#include <weir/result.h>

#include "loadgen/workload/workload.h"

namespace weir::loadgen {

// First turns as prompts, and second turns for the length of the answer; too short and too long
// ones are left out by vLLM's rules.
Result<Workload> MakeShareGpt(const WorkloadOptions& options);

// {"prompt": "..."} per line, with an optional "output_tokens".
Result<Workload> MakeCustom(const WorkloadOptions& options);

// A task, the poem's first lines, and lines drawn from it.
Result<Workload> MakeSonnet(const WorkloadOptions& options);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_CONVERSATIONS_H_
