// SPDX-License-Identifier: Apache-2.0
#include "server/transport/connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <chrono>
#include <exception>

#include "base/log.h"
#include "server/transport/http_error.h"
#include "server/transport/request_id.h"

namespace weir {
namespace {

namespace asio = boost::asio;
using asio::socket_base;
using boost::system::error_code;

constexpr size_t kReadBytes = 16 << 10;
constexpr int kReadsInARow = 8;                 // then others have their turn
constexpr size_t kMaxAheadBytes = 64 << 10;     // of requests that wait for the one in progress
constexpr size_t kKeptBytes = 16 << 10;         // of buffers, by a connection that is idle
constexpr int64_t kMaxDroppedBytes = 64 << 10;  // of a refused body, rather than hang up

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

bool IsTryAgain(const error_code& error) {
  return error == asio::error::would_block || error == asio::error::try_again ||
         error == asio::error::interrupted;
}

void FreeIfLarge(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptBytes) std::string().swap(buffer);
}

}  // namespace

Connection::Connection(std::shared_ptr<ServerCore> core)
    : core_(std::move(core)),
      strand_(asio::make_strand(core_->io)),
      socket_(strand_),
      parser_(core_->options.limits) {}

Connection::~Connection() = default;

void Connection::Start(std::string peer, bool refuse) {
  peer_ = std::move(peer);
  asio::dispatch(strand_, [self = shared_from_this(), refuse] {
    error_code ignored;
    self->socket_.non_blocking(true, ignored);
    self->BecomeIdle();
    if (refuse) self->Refuse(HttpError(503, "too_many_connections", "the server is full"));
    self->WaitRead();
  });
}

void Connection::Wake() {
  asio::dispatch(strand_, [self = shared_from_this()] { self->Flush(); });
}

void Connection::Shut() {
  idle_since_us_ = kNever;  // it is not chosen again
  asio::post(strand_, [self = shared_from_this()] { self->Die(); });
}

void Connection::OnDeadline() {
  asio::post(strand_, [self = shared_from_this()] {
    if (self->state_ == State::kClosed || !self->is_due(NowUs())) return;
    if (self->state_ == State::kReading && self->head_begun_) {
      self->Refuse(HttpError(408, "request_timeout", "the request did not arrive in time"));
    } else {
      self->Die();  // idle, not reading what it asked for, or done
    }
  });
}

void Connection::WaitRead() {
  if (state_ == State::kClosed || client_ended_) return;
  // A client that has sent too much ahead is not read from; that it has left then shows as an
  // error.
  const bool full = received_.size() - received_begin_ >= kMaxAheadBytes;
  bool& waiting = full ? waiting_error_ : waiting_read_;
  if (std::exchange(waiting, true)) return;
  socket_.async_wait(full ? socket_base::wait_error : socket_base::wait_read,
                     [self = shared_from_this(), full](const error_code& error) {
                       (full ? self->waiting_error_ : self->waiting_read_) = false;
                       if (self->state_ == State::kClosed || error) return;
                       full ? self->OnClientEnd(false) : self->OnReadable();
                     });
}

void Connection::OnReadable() {
  char buffer[kReadBytes];
  for (int i = 0; i < kReadsInARow; ++i) {
    if (received_.size() - received_begin_ >= kMaxAheadBytes) break;
    error_code error;
    const size_t num_bytes = socket_.read_some(asio::buffer(buffer), error);
    if (IsTryAgain(error)) break;
    if (error) return OnClientEnd(error == asio::error::eof);
    if (state_ == State::kLingering) continue;
    received_.append(buffer, num_bytes);
    Advance();
    if (state_ == State::kClosed) return;
  }
  WaitRead();
}

void Connection::OnClientEnd(bool clean) {
  client_ended_ = true;
  if (clean && state_ == State::kReplying) {
    Flush();
    if (state_ == State::kClosed) return;
    // The answer is on its way, and who has only ended its own sending still reads it.
    if (state_ == State::kReplying && reply_ended_) return;
  }
  Die();
}

// Reads as many requests as are there and can be answered at once.
void Connection::Advance() {
  if (advancing_) return;
  advancing_ = true;
  bool more = true;
  while (more && state_ == State::kReading) {
    std::string_view input = std::string_view(received_).substr(received_begin_);
    const size_t num_bytes = input.size();
    const RequestParser::Event event = parser_.Feed(input);
    received_begin_ += num_bytes - input.size();
    if (head_done_) CountBody();
    if (state_ == State::kReading) OnParserEvent(event);
    // A head without a body is a whole request without a further byte. And where the reply could be
    // given at once, the next request may be here already.
    more = event == RequestParser::Event::kHead ||
           (event == RequestParser::Event::kRequest && received_begin_ < received_.size());
  }
  if (received_begin_ == received_.size()) {
    FreeIfLarge(received_);
    received_begin_ = 0;
  } else if (received_begin_ >= kReadBytes) {
    received_.erase(0, received_begin_);
    received_begin_ = 0;
  }
  advancing_ = false;
  if (state_ == State::kReading) SetReadDeadline();
}

void Connection::OnParserEvent(RequestParser::Event event) {
  switch (event) {
    case RequestParser::Event::kMore:
      return;
    case RequestParser::Event::kHead:
      return OnHead();
    case RequestParser::Event::kRequest:
      return OnRequest();
    case RequestParser::Event::kFault:
      const HttpFault& fault = parser_.fault();
      return Refuse(HttpError(fault.status, fault.code, fault.message));
  }
}

void Connection::BecomeIdle() {
  const int64_t now = NowUs();
  state_ = State::kReading;
  head_begun_ = head_done_ = false;
  deadline_us_ = now + int64_t{1000} * core_->options.timeouts.idle_ms;
  idle_since_us_ = now;
}

void Connection::SetReadDeadline() {
  const HttpTimeouts& timeouts = core_->options.timeouts;
  if (head_done_) {
    deadline_us_ = head_us_ + int64_t{1000} * timeouts.body_ms +
                   counted_bytes_ * int64_t{1'000'000} / kMinBodyRate;
  } else if (parser_.started() && !head_begun_) {
    head_begun_ = true;
    idle_since_us_ = kNever;
    deadline_us_ = NowUs() + int64_t{1000} * timeouts.head_ms;
  }
}

void Connection::BeginReply(ReplyForm form) {
  if (in_request_) return;
  in_request_ = true;
  idle_since_us_ = kNever;
  head_us_ = NowUs();
  core_->BeginRequest();
  const HttpRequest& request = parser_.request();
  if (form.id.empty()) form.id = UsableOrNewId(request.Header("x-request-id"));
  record_ = {.method = request.method, .path = request.path, .peer = peer_, .id = form.id};
  reply_ended_ = false;
  stalled_at_ = -1;
  queue_ = std::make_shared<ReplyQueue>(std::move(form), core_->options.max_unsent_bytes,
                                        shared_from_this());
}

void Connection::OnHead() {
  head_begun_ = head_done_ = true;
  HttpRequest& request = parser_.request();
  const HttpHead& head = parser_.head();
  request.peer = peer_;
  request.arrived_us = NowUs();
  const bool is_head = request.method == "HEAD";
  request.id = UsableOrNewId(request.Header("x-request-id"));
  HttpVerdict verdict;
  if (core_->options.gate) verdict = core_->options.gate(request);
  BeginReply({.http10 = head.http10,
              .keep_alive = head.keep_alive,
              .head_only = is_head,
              .id = request.id,
              .headers = std::move(verdict.headers)});
  record_.tenant = request.tenant;
  if (is_head) request.method = "GET";  // answered alike, but for the body
  if (verdict.refusal) {
    const bool small = !head.chunked && head.content_length <= kMaxDroppedBytes;
    if (head.expects_continue || !small) return Refuse(*verdict.refusal);
    parser_.DropBody();
    refusal_ = std::move(verdict.refusal);
  } else if (head.expects_continue) {
    queue_->Interim(ContinueText());
  }
}

void Connection::CountBody() {
  const auto size = static_cast<int64_t>(parser_.request().body.size());
  const int64_t grown = size - counted_bytes_;
  counted_bytes_ = size;
  if (grown <= 0) return;
  if (core_->buffered_bytes.fetch_add(grown) + grown <= core_->options.max_buffered_bytes) return;
  Refuse(HttpError(503, "too_many_bytes", "the server holds as many request bodies as it may"));
}

void Connection::ReleaseBody() {
  core_->buffered_bytes.fetch_sub(std::exchange(counted_bytes_, 0));
}

void Connection::OnRequest() {
  state_ = State::kReplying;
  deadline_us_ = kNever;
  record_.in_bytes = static_cast<int64_t>(parser_.request().body.size());
  if (refusal_) {
    queue_->Send(*std::exchange(refusal_, std::nullopt));
    return;
  }
  record_.handled = true;
  const std::shared_ptr<HttpReply> reply = MakeReply(queue_);
  try {
    core_->options.handler(std::move(parser_.request()), reply);
  } catch (const std::exception& error) {
    WEIR_LOG(ERROR, "request failed", "id", record_.id, "what", error.what());
    reply->Send(HttpError(500, "internal_error", "the server failed on this request"));
  }
}

void Connection::Refuse(const HttpResponse& response) {
  BeginReply({.http10 = parser_.head().http10});
  queue_->CloseAfter();
  state_ = State::kReplying;
  deadline_us_ = kNever;
  queue_->Send(response);
}

void Connection::Flush() {
  if (!queue_ || waiting_write_) return;
  if (state_ != State::kReading && state_ != State::kReplying) return;
  while (true) {
    if (sent_ == sending_.size()) {
      sent_ = 0;
      const ReplyQueue::Fate fate = queue_->Take(sending_);
      if (fate == ReplyQueue::Fate::kCut) return Die();
      reply_ended_ = fate == ReplyQueue::Fate::kEnded;
      if (sending_.empty()) break;
      if (state_ == State::kReplying) ReleaseBody();
    }
    error_code error;
    const size_t num_bytes =
        socket_.write_some(asio::buffer(sending_.data() + sent_, sending_.size() - sent_), error);
    if (IsTryAgain(error)) return WaitWrite();
    if (error) return Die();
    sent_ += num_bytes;
    record_.out_bytes += static_cast<int64_t>(num_bytes);
    queue_->Sent(static_cast<int64_t>(num_bytes));
  }
  if (state_ == State::kReplying) deadline_us_ = kNever;
  if (reply_ended_) FinishReply();
}

void Connection::WaitWrite() {
  if (stalled_at_ != record_.out_bytes && state_ == State::kReplying) {
    stalled_at_ = record_.out_bytes;
    deadline_us_ = NowUs() + int64_t{1000} * core_->options.timeouts.write_ms;
  }
  waiting_write_ = true;
  socket_.async_wait(socket_base::wait_write, [self = shared_from_this()](const error_code& error) {
    self->waiting_write_ = false;
    if (self->state_ == State::kClosed) return;
    error ? self->Die() : self->Flush();
  });
}

void Connection::FinishReply() {
  const bool keep_alive = queue_->keep_alive() && !client_ended_;
  queue_->Close(/*complete=*/true);
  EndRequest(/*gone=*/false);
  if (!keep_alive) return Linger();
  parser_.Reset();
  FreeIfLarge(sending_);
  BecomeIdle();
  Advance();
  WaitRead();
}

void Connection::EndRequest(bool gone) {
  if (!std::exchange(in_request_, false)) return;
  ReleaseBody();
  record_.status = queue_->status();
  record_.gone = gone;
  record_.duration_us = NowUs() - head_us_;
  queue_ = nullptr;
  if (core_->options.on_complete) core_->options.on_complete(record_);
  core_->EndRequest();
}

// The client gets the time to read the reply: closing a socket that holds unread bytes resets it,
// and a reset may overtake the reply.
void Connection::Linger() {
  state_ = State::kLingering;
  idle_since_us_ = kNever;
  FreeIfLarge(received_);
  received_begin_ = 0;
  error_code error;
  socket_.shutdown(socket_base::shutdown_send, error);
  if (error || client_ended_) return Die();
  deadline_us_ = NowUs() + int64_t{1000} * core_->options.timeouts.linger_ms;
  WaitRead();
}

void Connection::Die() {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  deadline_us_ = idle_since_us_ = kNever;
  const std::shared_ptr<ReplyQueue> queue = queue_;
  EndRequest(/*gone=*/true);
  error_code ignored;
  socket_.close(ignored);
  core_->Remove(this);
  if (queue) queue->Close(/*complete=*/false);
}

}  // namespace weir
