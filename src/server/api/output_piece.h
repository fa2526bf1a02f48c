// SPDX-License-Identifier: Apache-2.0
//
// What a reply says of one output at a time: one step's news in a stream, or all of it at once.
#ifndef WEIR_SERVER_API_OUTPUT_PIECE_H_
#define WEIR_SERVER_API_OUTPUT_PIECE_H_

#include <cstdint>
#include <string>
#include <vector>

#include <weir/request.h>

namespace weir {

struct OutputPiece {
  int32_t index = 0;          // of the choice
  int32_t prompt = 0;         // that it continues
  bool first = true;          // nothing has been said of this output before
  bool in_reasoning = false;  // what comes next belongs to the reasoning
  std::string text;           // of chats: without the reasoning
  std::string reasoning;
  std::vector<OutputToken> tokens;
  FinishReason finish = FinishReason::kNone;
};

struct Usage {
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt tokens
};

}  // namespace weir

#endif  // WEIR_SERVER_API_OUTPUT_PIECE_H_
