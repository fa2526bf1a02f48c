// SPDX-License-Identifier: Apache-2.0
//
// One request on its way: turns bytes and the moments at which they were read into what is recorded
// of it. Pure, so that a recording replays exactly.
#ifndef WEIR_LOADGEN_CLIENT_STREAM_EXCHANGE_H_
#define WEIR_LOADGEN_CLIENT_STREAM_EXCHANGE_H_

#include <string>
#include <string_view>

#include "loadgen/client/response_parser.h"
#include "loadgen/client/sse_parser.h"
#include "loadgen/stats/request_outcome.h"

namespace weir::loadgen {

class StreamExchange {
 public:
  // `prompt_tokens` is what was planned.
  StreamExchange(double start_s, double queue_s, int64_t prompt_tokens);

  void OnBytes(double now_s, std::string_view bytes);
  void OnEnd(std::string_view error);  // the connection is gone
  void Fail(std::string_view error);   // the connection is of no more use

  bool ended() const { return ended_; }
  bool reusable() const { return reusable_; }      // the connection, for another request
  bool has_answer() const { return has_answer_; }  // a byte of it has come
  // Seconds of the clock at which the stream said that it was over; 0 when it has not.
  double done_at_s() const { return done_at_s_; }
  double start_s() const { return outcome_.start_s; }

  const RequestOutcome& outcome() const { return outcome_; }
  RequestOutcome Take() { return std::move(outcome_); }

 private:
  void TakeEvent(double now_s, std::string_view data);
  void TakeChunk(double now_s, std::string_view text);
  void EndBody();
  void EndAsFailure(std::string_view error);
  std::string StatusError() const;

  ResponseParser response_;
  SseParser events_;
  RequestOutcome outcome_;
  double last_chunk_s_ = 0;
  double last_read_s_ = 0;
  double done_at_s_ = 0;
  bool has_chunk_ = false;
  bool has_answer_ = false;
  bool ended_ = false;
  bool reusable_ = false;
  std::string stream_error_;
  std::string body_;        // of the bytes at hand
  std::string body_start_;  // for messages
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_STREAM_EXCHANGE_H_
