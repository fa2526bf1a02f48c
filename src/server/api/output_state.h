// SPDX-License-Identifier: Apache-2.0
//
// Where the prompts and outputs of a running generation stand.
#ifndef WEIR_SERVER_API_OUTPUT_STATE_H_
#define WEIR_SERVER_API_OUTPUT_STATE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "server/api/output_piece.h"
#include "server/api/reasoning_splitter.h"
#include "server/metrics/generation_metrics.h"

namespace weir {

struct PromptState {
  int32_t prompt_len = 0;
  int32_t num_cached = 0;
  int32_t longest_output = 0;
  bool has_token = false;  // it waits no more
  bool ended = false;
  std::string echo;  // what its outputs begin with
};

struct OutputState {
  OutputPiece piece;  // of a stream: what the next chunk says; else all so far
  std::optional<ReasoningSplitter> splitter;
  OutputTimes times;
  bool begun = false;  // the piece holds, or held, what the output begins with
  bool ended = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_OUTPUT_STATE_H_
