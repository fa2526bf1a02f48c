// SPDX-License-Identifier: Apache-2.0
//
// Which kernel each sequence of a step takes, and why. Pure host code.
#ifndef WEIR_ATTENTION_ROUTER_H_
#define WEIR_ATTENTION_ROUTER_H_

#include <span>

#include "attention/attn_plan.h"
#include "attention/attn_shape.h"
#include "attention/policy.h"

namespace weir {

// Query rows times query heads per KV head up to which a row counts as a decode: keys are read once
// for all of them, so memory is the limit and the keys may be split.
inline constexpr int32_t kMaxDecodePackedRows = 64;

// How the decode rows of a step are split along their keys.
enum class SplitMode : uint8_t {
  kRule,       // as the policy's rule says
  kHeuristic,  // as the library's heuristic says
  kUnsplit,
};

// Of the whole step, as the older generations decide.
struct StepRoute {
  SplitMode splits;
  bool one_call;  // decodes and prefills in one varlen call
};

// Fills `decisions` (route and reason; splits stay 0), one per sequence. AttnRouting::kRow looks at
// each row alone; the others follow the branches of MooreThreads/vllm-musa#82 and #85, in order:
//   1. no prefill, no sinks                                          paged decode, split
//   2. no decode, nothing cached, causal, eligible layer             fresh
//   3. decodes and prefills, nothing cached, causal, eligible layer  paged decode, unsplit under
//      the gated rules, and fresh; kBatch only
//   4. everything else                                               one paged varlen call
// A decode has one new token. A layer is eligible without sinks, window, soft cap and with bf16
// keys. Under batch invariance all rules but kFixed and kPlanned leave the decodes unsplit.
StepRoute RouteStep(const AttnBatch& batch, const AttnShape& shape, const AttnPolicy& policy,
                    std::span<AttnDecision> decisions);

}  // namespace weir

#endif  // WEIR_ATTENTION_ROUTER_H_
