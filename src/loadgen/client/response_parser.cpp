// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/response_parser.h"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "base/error.h"

namespace weir::loadgen {
namespace {

constexpr int64_t kMaxBody = int64_t{1} << 40;

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Digits of `base` only; -1 when it is anything else.
int64_t ParseNumber(std::string_view text, int base) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  const bool digits = !text.empty() && std::isxdigit(static_cast<unsigned char>(text[0])) != 0;
  if (!digits || error != std::errc() || end != text.data() + text.size()) return -1;
  return number <= kMaxBody ? number : -1;
}

// A line for a message: short and printable.
std::string Shown(std::string_view line) {
  std::string shown;
  for (const char c : line.substr(0, 60)) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown;
}

auto Bad(std::string_view what, std::string_view line, std::string_view wanted) {
  return Err(Code::kIo, "response: found ", what, " \"", Shown(line), "\", wanted ", wanted);
}

}  // namespace

// Moves bytes into line_ up to the line's end, which is taken but not kept. A lone LF ends a line.
Status ResponseParser::TakeLine(std::string_view& bytes, size_t limit, bool& whole) {
  const size_t end = bytes.find('\n');
  whole = end != std::string_view::npos;
  line_ += bytes.substr(0, whole ? end : bytes.size());
  bytes.remove_prefix(whole ? end + 1 : bytes.size());
  if (line_.size() > limit) {
    return Err(Code::kIo, "response: found a line of more than ", limit, " bytes");
  }
  if (whole && line_.ends_with('\r')) line_.pop_back();
  return Ok();
}

Result<size_t> ResponseParser::Feed(std::string_view bytes, std::string& body) {
  const size_t before = bytes.size();
  while (!bytes.empty() && part_ != Part::kDone) {
    Status status = Ok();
    switch (part_) {
      case Part::kHead:
        status = TakeHeadLine(bytes);
        break;
      case Part::kChunkSize:
        status = TakeChunkSize(bytes);
        break;
      case Part::kChunkEnd:
        status = TakeChunkEnd(bytes);
        break;
      case Part::kTrailer:
        status = TakeTrailer(bytes);
        break;
      case Part::kLength:
      case Part::kChunk:
      case Part::kUntilEnd:
        TakeBody(bytes, body);
        break;
      case Part::kDone:
        break;
    }
    WEIR_RETURN_IF_ERROR(status);
  }
  return before - bytes.size();
}

Status ResponseParser::TakeHeadLine(std::string_view& bytes) {
  const size_t before = bytes.size();
  bool whole = false;
  WEIR_RETURN_IF_ERROR(TakeLine(bytes, kMaxHeadBytes, whole));
  head_bytes_ += before - bytes.size();
  if (head_bytes_ > kMaxHeadBytes) {
    return Err(Code::kIo, "response: found a head of more than ", kMaxHeadBytes, " bytes");
  }
  if (!whole) {
    // Whatever speaks another protocol shows at once and is not waited for.
    const std::string_view start = std::string_view("HTTP/1.").substr(0, line_.size());
    if (!has_status_line_ && !line_.starts_with(start)) {
      return Bad("the line", line_, "HTTP/1.1");
    }
    return Ok();
  }
  if (!has_status_line_) {
    WEIR_RETURN_IF_ERROR(ReadStatusLine());
  } else if (line_.empty()) {
    return BeginBody();
  } else {
    WEIR_RETURN_IF_ERROR(ReadHeader());
  }
  line_.clear();
  return Ok();
}

Status ResponseParser::ReadStatusLine() {
  const std::string_view line = line_;
  const bool known = line.starts_with("HTTP/1.1 ") || line.starts_with("HTTP/1.0 ");
  const int64_t status = known && line.size() >= 12 ? ParseNumber(line.substr(9, 3), 10) : -1;
  if (status < 100 || (line.size() > 12 && line[12] != ' ')) {
    return Bad("the line", line, "HTTP/1.1 and a status");
  }
  keep_alive_ = line[7] == '1';
  status_ = static_cast<int32_t>(status);
  reason_ = Trim(line.substr(12));
  has_status_line_ = true;
  return Ok();
}

Status ResponseParser::ReadHeader() {
  const size_t colon = line_.find(':');
  if (colon == std::string::npos || colon == 0) return Bad("the header", line_, "NAME: VALUE");
  const std::string name = Lower(std::string_view(line_).substr(0, colon));
  const std::string value = Lower(Trim(std::string_view(line_).substr(colon + 1)));
  if (name == "content-length") {
    const int64_t length = ParseNumber(value, 10);
    if (length < 0 || (length_ >= 0 && length != length_)) {
      return Bad("Content-Length", value, "one number of bytes");
    }
    length_ = length;
  } else if (name == "transfer-encoding") {
    if (value != "chunked") return Bad("Transfer-Encoding", value, "chunked");
    chunked_ = true;
  } else if (name == "connection") {
    if (value.find("close") != std::string::npos) keep_alive_ = false;
    if (value.find("keep-alive") != std::string::npos) keep_alive_ = true;
  } else if (name == "content-encoding" && value != "identity") {
    return Bad("Content-Encoding", value, "none: it was not asked for");
  }
  return Ok();
}

Status ResponseParser::BeginBody() {
  line_.clear();
  if (status_ < 200 && status_ != 101) {  // an interim response; the real one follows
    *this = ResponseParser();
    return Ok();
  }
  if (status_ == 101) return Bad("status", "101", "no change of protocol");
  if (status_ == 204 || status_ == 304) {
    part_ = Part::kDone;
  } else if (chunked_) {
    part_ = Part::kChunkSize;
  } else if (length_ >= 0) {
    remaining_ = length_;
    part_ = length_ > 0 ? Part::kLength : Part::kDone;
  } else {
    keep_alive_ = false;
    part_ = Part::kUntilEnd;
  }
  return Ok();
}

Status ResponseParser::TakeChunkSize(std::string_view& bytes) {
  bool whole = false;
  WEIR_RETURN_IF_ERROR(TakeLine(bytes, kMaxLineBytes, whole));
  if (!whole) return Ok();
  const std::string_view line = line_;
  remaining_ = ParseNumber(Trim(line.substr(0, line.find(';'))), 16);
  if (remaining_ < 0) return Bad("the chunk size", line, "a hexadecimal number");
  line_.clear();
  part_ = remaining_ > 0 ? Part::kChunk : Part::kTrailer;
  return Ok();
}

Status ResponseParser::TakeChunkEnd(std::string_view& bytes) {
  bool whole = false;
  WEIR_RETURN_IF_ERROR(TakeLine(bytes, kMaxLineBytes, whole));
  if (!line_.empty() && line_ != "\r") return Bad("after a chunk", line_, "the end of a line");
  if (!whole) return Ok();
  line_.clear();
  part_ = Part::kChunkSize;
  return Ok();
}

Status ResponseParser::TakeTrailer(std::string_view& bytes) {
  const size_t before = bytes.size();
  bool whole = false;
  WEIR_RETURN_IF_ERROR(TakeLine(bytes, kMaxLineBytes, whole));
  head_bytes_ += before - bytes.size();
  if (head_bytes_ > 2 * kMaxHeadBytes) {
    return Err(Code::kIo, "response: found trailers of more than ", kMaxHeadBytes, " bytes");
  }
  if (!whole) return Ok();
  if (line_.empty()) part_ = Part::kDone;
  line_.clear();
  return Ok();
}

void ResponseParser::TakeBody(std::string_view& bytes, std::string& body) {
  size_t take = bytes.size();
  if (part_ != Part::kUntilEnd) {
    take = static_cast<size_t>(std::min<int64_t>(remaining_, static_cast<int64_t>(take)));
  }
  body += bytes.substr(0, take);
  bytes.remove_prefix(take);
  if (part_ == Part::kUntilEnd) return;
  remaining_ -= static_cast<int64_t>(take);
  if (remaining_ > 0) return;
  part_ = part_ == Part::kChunk ? Part::kChunkEnd : Part::kDone;
}

Status ResponseParser::End() {
  if (part_ == Part::kUntilEnd) part_ = Part::kDone;
  if (part_ == Part::kDone) return Ok();
  if (part_ == Part::kHead) {
    return Err(Code::kIo, "the server ended the connection without an answer");
  }
  return Err(Code::kIo, "the server ended the connection in the middle of its answer");
}

}  // namespace weir::loadgen
