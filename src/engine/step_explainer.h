// SPDX-License-Identifier: Apache-2.0
//
// Why a request's tokens came when they did, from the records of the steps. A token comes with its
// step, and the step is as long as everything that shared it: the cost model says what each part's
// share was.
#ifndef WEIR_ENGINE_STEP_EXPLAINER_H_
#define WEIR_ENGINE_STEP_EXPLAINER_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "engine/step_log.h"

namespace weir {

// Work of somebody else in the steps of a gap.
struct GapCause {
  RequestId request;
  RowClass row_class;
  int64_t q_len;    // tokens computed in these steps
  int32_t cached;   // tokens before them, in the first of these steps
  double share_us;  // how much shorter the steps would have been without it, as predicted; 0: the
                    // records hold no cost model
};

// The time from one output token to the next.
struct TokenGap {
  int32_t token;  // the output token that ended it; the first is 1
  int64_t step;   // that computed it
  double gap_us;
  int32_t num_steps;             // that ran in it
  int32_t num_steps_away;        // of these, without this sequence
  double slower_us;              // by which these took longer than predicted; may be negative
  double idle_us;                // that no step took
  std::vector<GapCause> causes;  // the largest share first
};

struct OutputExplanation {
  int32_t index;
  int32_t num_tokens;           // whose steps the records hold
  double typical_us;            // median gap; 0 without any
  int32_t num_preempted;        // times that tokens were computed which had been computed before
  int64_t num_recomputed;       // tokens
  std::vector<TokenGap> worst;  // the longest first
};

struct Explanation {
  RequestId request;
  std::string label;
  int32_t num_prompt = 0;  // tokens; 0: not known
  bool truncated = false;  // the records may begin after the request did

  double queue_us = -1;                      // from arrival to its first step; -1: not known
  int32_t queue_steps = 0;                   // that ran meanwhile
  std::array<int32_t, 5> queue_limits = {};  // of these, by why no more was in them (StepLimit)
  double prefill_us = -1;  // from its first step to its first token; -1: not known
  int32_t prefill_steps = 0;
  std::vector<OutputExplanation> outputs;  // by index
};

// The request that `key` names: an id, else a label; of several requests with it the last.
Result<RequestId> FindRequest(const StepLog& log, std::string_view key);

// With at most `max_gaps` of the longest gaps of each output.
Explanation Explain(const StepLog& log, RequestId request, int32_t max_gaps);

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_EXPLAINER_H_
