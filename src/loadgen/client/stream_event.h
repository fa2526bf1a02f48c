// SPDX-License-Identifier: Apache-2.0
//
// What a load generator wants to know of one event of a completion's stream, read without building
// a tree: a client that is slow to read measures itself.
#ifndef WEIR_LOADGEN_CLIENT_STREAM_EVENT_H_
#define WEIR_LOADGEN_CLIENT_STREAM_EVENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir::loadgen {

struct StreamEvent {
  bool has_choices = false;  // a list that is not empty
  std::string text;          // choices[0].text or .delta.content, with .delta.reasoning_content
  std::optional<int64_t> prompt_tokens;  // of usage
  std::optional<int64_t> output_tokens;
  std::optional<std::string> error;  // message of an error object, or the error itself
};

// `data` is the JSON of one event, or of a whole answer that is no stream.
Result<StreamEvent> ReadStreamEvent(std::string_view data);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_STREAM_EVENT_H_
