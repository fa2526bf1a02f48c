// SPDX-License-Identifier: Apache-2.0
//
// What an engine tells of itself while it runs: totals, and a record of each recent step and of the
// sequences that shared it. Plain values, read from any thread.
#ifndef WEIR_STATS_H_
#define WEIR_STATS_H_

#include <array>
#include <cstdint>
#include <string>

#include <weir/request.h>

namespace weir {

// How a sequence's rows of a step were computed (docs/attention.md).
enum class RowClass : uint8_t { kDecode, kFreshPrefill, kCachedPrefill };
inline constexpr int kNumRowClasses = 3;

const char* RowClassName(RowClass row_class);  // "decode", "fresh_prefill", "cached_prefill"

// Why a step holds what it holds.
enum class StepLimit : uint8_t {
  kAllIn,      // everything that could run runs
  kItlBudget,  // more prefill would have taken the step beyond the budget
  kTokens,     // max_num_batched_tokens
  kSequences,  // max_num_seqs
  kPages,      // no page was free
};
const char* StepLimitName(StepLimit limit);  // "all_in", "itl_budget", ...

struct StepRecord {
  int64_t step;      // from 1
  int64_t begin_us;  // std::chrono::steady_clock
  std::array<int32_t, kNumRowClasses> num_seqs;
  std::array<int32_t, kNumRowClasses> num_tokens;  // computed in this step
  int32_t num_splits;                              // pieces that decodes' KV ranges were cut into
  int32_t num_waiting;
  int32_t num_preempted;
  int32_t num_free_pages;
  StepLimit limit;
  bool captured;       // ran as a prepared decode step
  float predicted_us;  // of the whole step, by the cost model; 0 before it knows anything
  float schedule_us;   // measured: choosing sequences and pages
  float plan_us;       // batch and attention plan
  float forward_us;    // the model
  float sample_us;     // sampling, text and handing over
  float total_us;      // all of it
};

// One sequence in one step.
struct RowRecord {
  int64_t step;
  RequestId request;
  int32_t index;  // which output of the request
  RowClass row_class;
  int32_t q_len;   // tokens computed
  int32_t kv_len;  // tokens attended to, these included
};

// A request as records know it: what a RowRecord's id stands for.
struct RequestRecord {
  RequestId request;
  std::string label;    // Request::label, its first kMaxRecordLabel bytes
  int64_t arrived_us;   // submitted; std::chrono::steady_clock
  int32_t num_prompt;   // tokens
  int32_t num_outputs;  // Request::n
};
inline constexpr int kMaxRecordLabel = 120;  // bytes

// The cost model as it stands: microseconds of a step by what it holds (docs/scheduling.md).
struct StepCost {
  float step_us;          // every step: fixed costs, and reading the layers' weights once
  float head_us;          // a step that computes any logits: reading the head's weights
  float hidden_token_us;  // of the first `hidden_tokens` tokens, whose arithmetic hides behind it
  float token_us;         // of each token beyond them
  int32_t hidden_tokens;
  float decode_key_us;   // a key that a decode reads
  float fresh_pair_us;   // a query and a key that it sees, in a prefill without a cached prefix
  float cached_pair_us;  // the same with one
  float logits_us;       // a sequence whose next token is chosen
};

// Upper edges of the histogram of tokens per step; the last bucket has none.
inline constexpr std::array<int32_t, 12> kStepTokenEdges = {1,   8,   16,   32,   64,   128,
                                                            256, 512, 1024, 2048, 4096, 8192};

struct EngineStats {
  // Now.
  int32_t num_running;
  int32_t num_waiting;         // submitted and not part of any step yet, or preempted
  int64_t num_waiting_tokens;  // that these still have to compute
  int32_t num_pages;
  int32_t num_free_pages;    // those that only the prefix cache holds count as free
  int32_t num_cached_pages;  // that hold a reusable prefix, in use or not
  int64_t heartbeat_us;      // steady_clock when the engine last began or ended a step or idled
  bool idle;                 // nothing to do at that time
  double decode_step_us;     // recent median of steps without prefill; 0: none yet
  double prefill_tok_s;      // recent rate of prompt tokens in steps that had any; 0: none yet
  double cost_model_error;  // recent median of |measured / predicted - 1|; 0: nothing predicted yet
  double cost_model_p90_error;
  StepCost cost;  // of now

  // Since the engine was opened.
  int64_t num_steps;
  int64_t num_captured_steps;
  int64_t prompt_tokens;             // of requests whose prefill has ended, cached or computed
  int64_t prompt_tokens_cached;      // found in the prefix cache
  int64_t prompt_tokens_recomputed;  // computed again after preemption
  int64_t generation_tokens;
  int64_t prefix_cache_queries;  // tokens looked up
  int64_t prefix_cache_hits;     // tokens found
  int64_t num_preemptions;
  int64_t num_splits;
  double plan_seconds;
  std::array<int64_t, kNumRowClasses> num_seqs;                 // summed over steps
  std::array<int64_t, kNumRowClasses> num_tokens;               // summed over steps
  std::array<int64_t, kStepTokenEdges.size() + 1> step_tokens;  // steps by number of tokens
};

}  // namespace weir

#endif  // WEIR_STATS_H_
