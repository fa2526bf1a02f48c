// SPDX-License-Identifier: Apache-2.0
//
// Server-sent events (WHATWG HTML, "Server-sent events") as their bytes come, split anywhere. Lines
// end with LF, CR LF or CR; comments and fields other than `data` say nothing to a load generator
// and are skipped, wherever they stand.
#ifndef WEIR_LOADGEN_CLIENT_SSE_PARSER_H_
#define WEIR_LOADGEN_CLIENT_SSE_PARSER_H_

#include <cstddef>
#include <string>
#include <string_view>

#include <weir/result.h>

#include "base/function_ref.h"

namespace weir::loadgen {

class SseParser {
 public:
  static constexpr size_t kMaxEventBytes = size_t{16} << 20;

  // Calls `on_data` with the data of every event that is complete, in order. An error when an event
  // is larger than kMaxEventBytes; nothing may be fed after it.
  Status Feed(std::string_view bytes, FunctionRef<void(std::string_view data)> on_data);

  // The stream ended: an event that lacks only its blank line is one, as clients take it.
  void Finish(FunctionRef<void(std::string_view data)> on_data);

 private:
  void TakeLine(std::string_view line, FunctionRef<void(std::string_view)> on_data);

  std::string line_;  // the beginning of a line whose end has not come
  std::string data_;
  bool has_data_ = false;
  bool first_line_ = true;
  bool after_cr_ = false;  // an LF that follows belongs to the same line end
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_SSE_PARSER_H_
