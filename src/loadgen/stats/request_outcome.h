// SPDX-License-Identifier: Apache-2.0
//
// What was observed of one request, in seconds of one clock. Everything that is reported is
// computed from these, so a recording of them can be evaluated again.
#ifndef WEIR_LOADGEN_STATS_REQUEST_OUTCOME_H_
#define WEIR_LOADGEN_STATS_REQUEST_OUTCOME_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::loadgen {

enum class RequestState {
  kNotSent,      // the run ended before
  kCompleted,    // status 200, a first chunk, an orderly end
  kFailed,       // `error` says why
  kInterrupted,  // the user ended the run while it was under way
};

struct RequestOutcome {
  RequestState state = RequestState::kNotSent;
  double start_s = 0;          // just before it was sent, after waiting for a free place
  double queue_s = 0;          // how long it waited for a free place before that
  double ttft_s = 0;           // start to the first chunk with choices, even if its text is empty
  double latency_s = 0;        // start to the last chunk with choices
  std::vector<double> itls_s;  // gaps between chunks with choices
  std::optional<double> text_at_s;       // start to the first chunk with text
  int64_t prompt_tokens = 0;             // as the server counts them, else as planned
  std::optional<int64_t> output_tokens;  // as the server counts them
  std::string text;                      // empty unless texts are kept
  std::string error;
  int32_t http_status = 0;  // 0: no answer
  bool saw_done = false;    // "[DONE]"

  bool completed() const { return state == RequestState::kCompleted; }
  bool failed() const { return state == RequestState::kFailed; }
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_STATS_REQUEST_OUTCOME_H_
