// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/sse_parser.h"

#include "base/error.h"

namespace weir::loadgen {
namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

size_t FindLineEnd(std::string_view bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\n' || bytes[i] == '\r') return i;
  }
  return std::string_view::npos;
}

}  // namespace

Status SseParser::Feed(std::string_view bytes, FunctionRef<void(std::string_view)> on_data) {
  while (!bytes.empty()) {
    if (after_cr_ && bytes.front() == '\n') bytes.remove_prefix(1);
    after_cr_ = false;
    const size_t end = FindLineEnd(bytes);
    const std::string_view piece = bytes.substr(0, end);
    if (line_.size() + piece.size() + data_.size() > kMaxEventBytes) {
      return Err(Code::kIo, "stream: found an event of more than ", kMaxEventBytes, " bytes");
    }
    if (end == std::string_view::npos) {
      line_ += piece;
      return Ok();
    }
    after_cr_ = bytes[end] == '\r';
    bytes.remove_prefix(end + 1);
    if (line_.empty()) {
      TakeLine(piece, on_data);
    } else {
      line_ += piece;
      TakeLine(line_, on_data);
      line_.clear();
    }
  }
  return Ok();
}

void SseParser::TakeLine(std::string_view line, FunctionRef<void(std::string_view)> on_data) {
  if (first_line_ && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
  first_line_ = false;
  if (line.empty()) {
    if (has_data_) on_data(data_);
    data_.clear();
    has_data_ = false;
    return;
  }
  const size_t colon = line.find(':');
  if (line.substr(0, colon) != "data") return;
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (has_data_) data_ += '\n';
  data_ += value;
  has_data_ = true;
}

void SseParser::Finish(FunctionRef<void(std::string_view)> on_data) {
  if (!line_.empty()) TakeLine(line_, on_data);
  line_.clear();
  TakeLine("", on_data);
}

}  // namespace weir::loadgen
