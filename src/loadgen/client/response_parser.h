// SPDX-License-Identifier: Apache-2.0
//
// An HTTP/1.1 response as its bytes come, split anywhere: head, then a body that is chunked, has a
// length or lasts until the connection ends. Pure; knows neither sockets nor time.
#ifndef WEIR_LOADGEN_CLIENT_RESPONSE_PARSER_H_
#define WEIR_LOADGEN_CLIENT_RESPONSE_PARSER_H_

#include <cstdint>
#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir::loadgen {

class ResponseParser {
 public:
  static constexpr size_t kMaxHeadBytes = size_t{64} << 10;
  static constexpr size_t kMaxLineBytes = size_t{8} << 10;  // of a chunk's size or a trailer

  // Takes bytes until the response is complete and returns how many; appends those of the body to
  // `body`. After an error the connection is of no use.
  Result<size_t> Feed(std::string_view bytes, std::string& body);

  // The peer ended the connection. An error when the response is not complete.
  Status End();

  bool head_complete() const { return part_ != Part::kHead; }
  bool complete() const { return part_ == Part::kDone; }
  int32_t status() const { return status_; }  // from when the head is complete
  const std::string& reason() const { return reason_; }
  bool keep_alive() const { return keep_alive_; }  // whether another request may follow

 private:
  enum class Part { kHead, kLength, kChunkSize, kChunk, kChunkEnd, kTrailer, kUntilEnd, kDone };

  Status TakeLine(std::string_view& bytes, size_t limit, bool& whole);
  Status TakeHeadLine(std::string_view& bytes);
  Status ReadStatusLine();
  Status ReadHeader();
  Status BeginBody();
  Status TakeChunkSize(std::string_view& bytes);
  Status TakeChunkEnd(std::string_view& bytes);
  Status TakeTrailer(std::string_view& bytes);
  void TakeBody(std::string_view& bytes, std::string& body);

  Part part_ = Part::kHead;
  std::string line_;  // the beginning of a line whose end has not come
  size_t head_bytes_ = 0;
  bool has_status_line_ = false;
  int32_t status_ = 0;
  std::string reason_;
  bool keep_alive_ = true;
  bool chunked_ = false;
  int64_t length_ = -1;    // -1: not told
  int64_t remaining_ = 0;  // of the body or of the chunk
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_RESPONSE_PARSER_H_
