// SPDX-License-Identifier: Apache-2.0
#include "server/transport/request_parser.h"

#include <algorithm>

#include "server/transport/http_grammar.h"

namespace weir {
namespace {

constexpr int64_t kMaxMethodBytes = 32;
constexpr int64_t kMaxChunkLineBytes = 256;

// Memory follows what has come, not what was announced.
constexpr int64_t kMaxReserve = 1 << 20;

int CountHeaders(const HttpRequest& request, std::string_view name) {
  return static_cast<int>(
      std::count_if(request.headers.begin(), request.headers.end(),
                    [name](const auto& header) { return header.first == name; }));
}

}  // namespace

using Event = RequestParser::Event;

void RequestParser::Reset() {
  part_ = Part::kRequestLine;
  line_.clear();
  head_bytes_ = left_ = body_bytes_ = 0;
  num_headers_ = 0;
  started_ = drop_body_ = false;
  head_ = {};
  fault_ = {};
  request_ = {};
}

Event RequestParser::Fault(int status, const char* code, const char* message) {
  fault_ = {.status = status, .code = code, .message = message};
  return Event::kFault;
}

Event RequestParser::Feed(std::string_view& input) {
  if (fault_.status != 0) return Event::kFault;
  while (!input.empty() || ((part_ == Part::kBody || part_ == Part::kChunk) && left_ == 0)) {
    const bool is_body = part_ == Part::kBody || part_ == Part::kChunk;
    const Event event = is_body ? TakeBody(input) : TakeLine(input);
    if (event != Event::kMore) return event;
  }
  return Event::kMore;
}

int64_t RequestParser::LineLimit() const {
  switch (part_) {
    case Part::kRequestLine:  // METHOD SP target SP HTTP/1.1 CR
      return kMaxMethodBytes + limits_.max_target_bytes + 11;
    case Part::kChunkLine:
      return kMaxChunkLineBytes;
    case Part::kChunkEnd:
      return 1;
    default:
      return limits_.max_head_bytes - head_bytes_;
  }
}

Event RequestParser::LineTooLong() {
  switch (part_) {
    case Part::kRequestLine:
      return Fault(414, "uri_too_long", "the request line is longer than this server reads");
    case Part::kChunkLine:
    case Part::kChunkEnd:
      return Fault(400, "bad_chunk", "a chunk of the body does not end where its size says");
    default:
      return Fault(431, "headers_too_large", "the headers are larger than this server reads");
  }
}

Event RequestParser::TakeLine(std::string_view& input) {
  // A request begins with a letter of its method, or with the empty line that some clients leave
  // behind a body. A TLS greeting, for one, is told so at once.
  if (!started_ && !IsTokenChar(input[0]) && input[0] != '\r') {
    return Fault(400, "bad_request_line",
                 "the request does not begin with a method; this port "
                 "speaks plain HTTP/1.1");
  }
  started_ = true;
  const size_t end = input.find('\n');
  const std::string_view piece = input.substr(0, end);
  if (static_cast<int64_t>(line_.size() + piece.size()) > LineLimit()) return LineTooLong();
  if (end == std::string_view::npos || !line_.empty()) line_ += piece;
  input.remove_prefix(std::min(piece.size() + 1, input.size()));
  if (end == std::string_view::npos) return Event::kMore;

  const std::string whole = std::move(line_);
  line_.clear();
  std::string_view line = whole.empty() ? piece : std::string_view(whole);
  if (line.empty() || line.back() != '\r') {
    return Fault(400, "bad_line_end", "a line does not end with CR LF");
  }
  line.remove_suffix(1);
  return OnLine(line);
}

Event RequestParser::OnLine(std::string_view line) {
  switch (part_) {
    case Part::kRequestLine:
      return OnRequestLine(line);
    case Part::kHeader:
    case Part::kTrailer:
      return OnHeader(line);
    case Part::kChunkLine:
      return OnChunkLine(line);
    default:
      if (!line.empty()) return LineTooLong();
      part_ = Part::kChunkLine;
      return Event::kMore;
  }
}

Event RequestParser::OnRequestLine(std::string_view line) {
  if (line.empty() && head_bytes_ == 0) {  // one empty line before a request is forgiven
    head_bytes_ = 2;
    started_ = false;
    return Event::kMore;
  }
  head_bytes_ += static_cast<int64_t>(line.size()) + 2;
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last || !IsToken(line.substr(0, first))) {
    return Fault(400, "bad_request_line", "the request line is not METHOD TARGET HTTP/1.1");
  }
  const std::string_view version = line.substr(last + 1);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    const bool other = version.size() == 8 && version.substr(0, 5) == "HTTP/";
    return other ? Fault(505, "bad_version", "this server speaks HTTP/1.1 and HTTP/1.0")
                 : Fault(400, "bad_request_line", "the request line does not end with HTTP/1.1");
  }
  if (first > static_cast<size_t>(kMaxMethodBytes)) {
    return Fault(400, "bad_request_line", "the method is longer than any that exists");
  }
  if (target.size() > static_cast<size_t>(limits_.max_target_bytes)) return LineTooLong();
  request_.method = line.substr(0, first);
  head_.http10 = version == "HTTP/1.0";
  std::optional<HttpTarget> parsed = ParseTarget(target);
  if (!parsed || (parsed->path == "*" && request_.method != "OPTIONS")) {
    return Fault(400, "bad_target", "the request's target is not a path this server can read");
  }
  request_.path = std::move(parsed->path);
  request_.query = std::move(parsed->query);
  part_ = Part::kHeader;
  return Event::kMore;
}

Event RequestParser::OnHeader(std::string_view line) {
  if (line.empty()) return part_ == Part::kHeader ? OnHeadEnd() : Event::kRequest;
  head_bytes_ += static_cast<int64_t>(line.size()) + 2;
  if (++num_headers_ > limits_.max_headers || head_bytes_ > limits_.max_head_bytes) {
    return Fault(431, "headers_too_large", "there are more headers than this server reads");
  }
  auto header = ParseHeaderLine(line);
  if (!header) return Fault(400, "bad_header", "a header line is not NAME: VALUE");
  // A trailer is read past: nothing here depends on one, and it must not stand for a header.
  if (part_ == Part::kHeader) request_.headers.push_back(std::move(*header));
  return Event::kMore;
}

Event RequestParser::OnHeadEnd() {
  const int num_hosts = CountHeaders(request_, "host");
  if (num_hosts > 1 || (num_hosts == 0 && !head_.http10)) {
    return Fault(400, "bad_host", "the request has not exactly one Host header");
  }
  bool close = false;
  bool keep = !head_.http10;
  for (const auto& [name, value] : request_.headers) {
    if (name != "connection") continue;
    close = close || ListHolds(value, "close");
    keep = keep || ListHolds(value, "keep-alive");
  }
  head_.keep_alive = keep && !close;
  return OnBodyHeaders();
}

// RFC 9112, 6.3: a message whose length can be read in two ways is refused, not repaired.
Event RequestParser::OnBodyHeaders() {
  const int num_lengths = CountHeaders(request_, "content-length");
  const int num_codings = CountHeaders(request_, "transfer-encoding");
  if (num_lengths > 1 || num_codings > 1 || (num_lengths > 0 && num_codings > 0)) {
    return Fault(400, "ambiguous_length", "the length of the body is given more than once");
  }
  if (num_codings == 1) {
    if (head_.http10) {
      return Fault(400, "ambiguous_length", "HTTP/1.0 has no Transfer-Encoding");
    }
    if (!EqualsIgnoringCase(request_.Header("transfer-encoding"), "chunked")) {
      return Fault(501, "unknown_transfer_encoding", "the only Transfer-Encoding here is chunked");
    }
    head_.chunked = true;
    part_ = Part::kChunkLine;
  } else {
    part_ = Part::kBody;
  }
  if (num_lengths == 1) {
    const auto length = ParseDecimal(request_.Header("content-length"));
    if (!length) return Fault(400, "bad_content_length", "Content-Length is not a number");
    head_.content_length = left_ = *length;
    if (left_ > limits_.max_body_bytes) {
      return Fault(413, "request_too_large", "the body is larger than this server reads");
    }
  }
  if (const auto expect = request_.Header("expect"); !expect.empty()) {
    if (!EqualsIgnoringCase(expect, "100-continue")) {
      return Fault(417, "unknown_expectation", "the only Expect here is 100-continue");
    }
    head_.expects_continue = !head_.http10 && (head_.chunked || left_ > 0);
  }
  return Event::kHead;
}

Event RequestParser::TakeBody(std::string_view& input) {
  const size_t taken = std::min(input.size(), static_cast<size_t>(left_));
  if (!drop_body_) {
    if (request_.body.empty()) request_.body.reserve(std::min(left_, kMaxReserve));
    request_.body.append(input.substr(0, taken));
  }
  input.remove_prefix(taken);
  left_ -= static_cast<int64_t>(taken);
  if (left_ > 0) return Event::kMore;
  if (part_ == Part::kBody) return Event::kRequest;
  part_ = Part::kChunkEnd;
  return Event::kMore;
}

Event RequestParser::OnChunkLine(std::string_view line) {
  const auto size = ParseChunkLine(line);
  if (!size) return Fault(400, "bad_chunk", "a chunk of the body does not begin with its size");
  if (*size > limits_.max_body_bytes - body_bytes_) {
    return Fault(413, "request_too_large", "the body is larger than this server reads");
  }
  body_bytes_ += *size;
  left_ = *size;
  part_ = *size > 0 ? Part::kChunk : Part::kTrailer;
  return Event::kMore;
}

}  // namespace weir
