// SPDX-License-Identifier: Apache-2.0
//
// Three generations of routing and splitting, selectable so that they can be measured against each
// other.
//
//   name    routing      splits
//   before  batch-paged  32 under captured graphs, else the library's heuristic
//   pr85    batch        the batch-scaled rule under captured graphs, else the heuristic
//   weir    row          planned
//
// Source of the first two: MooreThreads/vllm-musa#82 and #85. "Under captured graphs" means that
// graphs are on and all new tokens of the step fit the largest captured size.
#ifndef WEIR_ATTENTION_POLICY_H_
#define WEIR_ATTENTION_POLICY_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir {

enum class AttnRouting : uint8_t {
  kBatchPaged,  // a step that mixes decodes and prefills is one paged varlen call
  kBatch,       // mixed steps are cut in two unless a prefill has a cached prefix
  kRow,         // each row takes its own route
};

enum class KvSplitRule : uint8_t {
  kFixed,       // fixed_splits for every decode row
  kFixedGated,  // the same under captured graphs, else the library's heuristic
  kBatch,       // clamp(ceil(SMs / (decode tokens x KV heads)), 1, 32)
  kBatchGated,  // the same under captured graphs, else the library's heuristic
  kPlanned,     // per row, from the whole batch
};

struct AttnPolicy {
  std::string name = "weir";  // or what was asked for, where it is none of the three
  AttnRouting routing = AttnRouting::kRow;
  KvSplitRule splits = KvSplitRule::kPlanned;
  int32_t fixed_splits = 32;
  int32_t max_captured_tokens = 512;  // largest captured size; 0: no graphs
  bool batch_invariant = false;
  bool cascade = true;  // rows that share pages read them once, where that pays; kRow only
};

// "before", "pr85" or "weir".
Result<AttnPolicy> ParseAttnPolicy(std::string_view name);
// "batch-paged", "batch" or "row".
Result<AttnRouting> ParseAttnRouting(std::string_view text);
// "fixed:N" (1 to 256), "batch", "batch-gated" or "planned", into `policy`.
Status ParseKvSplits(std::string_view text, AttnPolicy& policy);

}  // namespace weir

#endif  // WEIR_ATTENTION_POLICY_H_
