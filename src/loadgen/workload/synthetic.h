// SPDX-License-Identifier: Apache-2.0
//
// Datasets that are made up: `random` and `prefix_repetition`.
#ifndef WEIR_LOADGEN_WORKLOAD_SYNTHETIC_H_
#define WEIR_LOADGEN_WORKLOAD_SYNTHETIC_H_

#include <weir/result.h>

#include "loadgen/workload/workload.h"

namespace weir::loadgen {

// Lengths as `vllm bench serve` draws them from the same seed, and with a tokenizer the same ids.
Result<Workload> MakeRandom(const WorkloadOptions& options);

// num_requests / num_prefixes prompts for each of num_prefixes prefixes, in shuffled order.
Result<Workload> MakePrefixRepetition(const WorkloadOptions& options);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_SYNTHETIC_H_
