// SPDX-License-Identifier: Apache-2.0
//
// Bytes of a connection in, requests out. Knows no socket, so that a fuzzer can drive all of it.
//
// Written here rather than taken from a library because a server behind proxies must refuse what
// others repair (folded lines, lengths given twice, codings it does not know), and must say which
// limit was passed: 413, 414 and 431 are different news to a client.
#ifndef WEIR_SERVER_TRANSPORT_REQUEST_PARSER_H_
#define WEIR_SERVER_TRANSPORT_REQUEST_PARSER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "server/http.h"
#include "server/transport/http_limits.h"

namespace weir {

struct HttpFault {
  int status = 0;  // of the answer; the connection cannot go on after it
  const char* code = "";
  const char* message = "";
};

// What of the head is the connection's business.
struct HttpHead {
  bool http10 = false;
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  int64_t content_length = 0;  // of a body that is not chunked
};

class RequestParser {
 public:
  explicit RequestParser(const HttpLimits& limits) : limits_(limits) {}

  enum class Event {
    kMore,     // everything was taken, the request goes on
    kHead,     // the head is there: request() but for its body
    kRequest,  // the request is whole
    kFault,    // fault() says why; feed no more
  };
  // Takes bytes from the front of `input`, no more than the event needs.
  Event Feed(std::string_view& input);

  // Whether any byte of a next request has come.
  bool started() const { return started_; }
  const HttpFault& fault() const { return fault_; }
  const HttpHead& head() const { return head_; }
  HttpRequest& request() { return request_; }

  // From kHead on: the body is counted and dropped.
  void DropBody() { drop_body_ = true; }

  // Ready for the next request of the connection.
  void Reset();

 private:
  enum class Part { kRequestLine, kHeader, kBody, kChunkLine, kChunk, kChunkEnd, kTrailer };

  Event TakeLine(std::string_view& input);
  Event TakeBody(std::string_view& input);
  Event OnLine(std::string_view line);
  Event OnRequestLine(std::string_view line);
  Event OnHeader(std::string_view line);
  Event OnHeadEnd();
  Event OnBodyHeaders();
  Event OnChunkLine(std::string_view line);
  Event Fault(int status, const char* code, const char* message);
  Event LineTooLong();
  int64_t LineLimit() const;

  const HttpLimits limits_;
  Part part_ = Part::kRequestLine;
  std::string line_;         // of which the end has not come yet
  int64_t head_bytes_ = 0;   // of whole lines: of the head, and of trailers once there
  int64_t left_ = 0;         // bytes of the body, or of the chunk, still to come
  int64_t body_bytes_ = 0;   // of the chunks up to here
  int32_t num_headers_ = 0;  // lines, trailers included
  bool started_ = false;
  bool drop_body_ = false;
  HttpHead head_;
  HttpFault fault_;
  HttpRequest request_;
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_REQUEST_PARSER_H_
