// SPDX-License-Identifier: Apache-2.0
//
// One client's connection: reads a request, hands it over, sends its reply, reads the next.
// Requests that a client sends ahead wait in a bounded buffer. It goes on reading while it replies,
// because that is how it learns that the client has left: the end of the client's bytes counts as
// that, as with nginx, Go and uvicorn.
#ifndef WEIR_SERVER_TRANSPORT_CONNECTION_H_
#define WEIR_SERVER_TRANSPORT_CONNECTION_H_

#include <atomic>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/strand.hpp>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "server/transport/reply_queue.h"
#include "server/transport/request_parser.h"
#include "server/transport/server_core.h"

namespace weir {

class Connection : public ReplySink, public std::enable_shared_from_this<Connection> {
 public:
  using Socket = boost::asio::generic::stream_protocol::socket;

  explicit Connection(std::shared_ptr<ServerCore> core);
  ~Connection() override;

  Socket& socket() { return socket_; }

  // Once the socket is connected; not on the strand. With `refuse` the connection is told that the
  // server is full, and ends.
  void Start(std::string peer, bool refuse);

  // Any thread.
  void Wake() override;
  bool closing() const override { return core_->draining.load(std::memory_order_relaxed); }
  void Shut();  // ends it as soon as its strand is free
  bool is_due(int64_t now_us) const { return now_us >= deadline_us_.load(); }
  void OnDeadline();
  int64_t idle_since_us() const { return idle_since_us_.load(); }  // INT64_MAX: it is not

 private:
  enum class State { kReading, kReplying, kLingering, kClosed };
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  // Everything below runs on the strand.
  void WaitRead();
  void OnReadable();
  void OnClientEnd(bool clean);
  void Advance();
  void OnParserEvent(RequestParser::Event event);
  void OnHead();
  void OnRequest();
  void CountBody();
  void ReleaseBody();
  void BecomeIdle();
  void SetReadDeadline();
  void BeginReply(ReplyForm form);
  void Refuse(const HttpResponse& response);
  void Flush();
  void WaitWrite();
  void FinishReply();
  void EndRequest(bool gone);
  void Linger();
  void Die();

  const std::shared_ptr<ServerCore> core_;
  const boost::asio::strand<boost::asio::io_context::executor_type> strand_;
  Socket socket_;
  std::string peer_;
  std::atomic<int64_t> deadline_us_ = kNever;
  std::atomic<int64_t> idle_since_us_ = kNever;

  State state_ = State::kReading;
  bool advancing_ = false;
  bool waiting_read_ = false;
  bool waiting_error_ = false;
  bool waiting_write_ = false;
  bool client_ended_ = false;

  std::string received_;  // and not parsed yet, from received_begin_ on
  size_t received_begin_ = 0;
  RequestParser parser_;
  bool head_begun_ = false;
  bool head_done_ = false;
  int64_t head_us_ = 0;                  // when the head was there
  int64_t counted_bytes_ = 0;            // of the body, in core_->buffered_bytes
  std::optional<HttpResponse> refusal_;  // to be sent when the body has been read past

  bool in_request_ = false;
  HttpRecord record_;
  std::shared_ptr<ReplyQueue> queue_;  // of the request in progress
  bool reply_ended_ = false;           // by its producer
  std::string sending_;
  size_t sent_ = 0;          // of sending_
  int64_t stalled_at_ = -1;  // record_.out_bytes when the client last took nothing
};

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_CONNECTION_H_
