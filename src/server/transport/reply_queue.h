// SPDX-License-Identifier: Apache-2.0
//
// Where a reply's bytes wait for their connection. The producer's side may be called from any
// thread, and never waits for more than the short lock; the connection's side runs on its strand.
#ifndef WEIR_SERVER_TRANSPORT_REPLY_QUEUE_H_
#define WEIR_SERVER_TRANSPORT_REPLY_QUEUE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/mutex.h"
#include "server/http.h"
#include "server/transport/http_text.h"

namespace weir {

// The connection as a queue sees it.
class ReplySink {
 public:
  virtual ~ReplySink() = default;

  // Any thread: there is something in the queue to take. Called without the queue's lock.
  virtual void Wake() = 0;

  // Any thread: whether the connection closes after this reply for reasons of its own.
  virtual bool closing() const = 0;
};

class ReplyQueue {
 public:
  // A stream that is written to while more than `max_unsent_bytes` of it have not left is cut, so
  // that one reply holds no more than that and one Write. One answer is never cut for its size.
  ReplyQueue(ReplyForm form, int64_t max_unsent_bytes, std::shared_ptr<ReplySink> sink);

  // The producer's side: HttpReply's calls.
  void Send(HttpResponse response);
  void StartStream(const HttpResponse& head);
  bool Write(std::string_view bytes);
  void End();
  void OnGone(std::function<void()> gone);
  void Abandon();  // the producer has dropped its last reference

  // The connection's side.
  void Interim(std::string_view bytes);  // before the head: 100 Continue
  void CloseAfter();                     // the connection does not go on after this reply
  enum class Fate { kOpen, kEnded, kCut };
  // Replaces `out` with what waits.
  Fate Take(std::string& out);
  // That many of the bytes taken have left for the client.
  void Sent(int64_t num_bytes);
  // The connection ends, or the reply has been sent to its end. After the first call nothing is
  // queued any more and the sink is forgotten. Calls what OnGone set unless the reply is complete.
  void Close(bool complete);

  int status() const;  // of the head; 0 before there is one
  bool keep_alive() const;

 private:
  enum class Phase { kNoHead, kStreaming, kEnded, kCut };

  void QueueAnswer(const HttpResponse& response) WEIR_REQUIRES(mutex_);
  void Queue(std::string_view bytes) WEIR_REQUIRES(mutex_);
  std::shared_ptr<ReplySink> ToWake() WEIR_REQUIRES(mutex_);

  const int64_t max_unsent_bytes_;
  mutable Mutex mutex_;
  ReplyForm form_ WEIR_GUARDED_BY(mutex_);
  // The connection holds the queue, and the queue the connection, until Close.
  std::shared_ptr<ReplySink> sink_ WEIR_GUARDED_BY(mutex_);
  Phase phase_ WEIR_GUARDED_BY(mutex_) = Phase::kNoHead;
  std::string waiting_ WEIR_GUARDED_BY(mutex_);
  int64_t unsent_bytes_ WEIR_GUARDED_BY(mutex_) = 0;  // waiting or taken
  bool wake_asked_ WEIR_GUARDED_BY(mutex_) = false;   // and Take has not come yet
  bool gone_ WEIR_GUARDED_BY(mutex_) = false;
  int status_ WEIR_GUARDED_BY(mutex_) = 0;
  std::function<void()> on_gone_ WEIR_GUARDED_BY(mutex_);
};

// The queue as its producer holds it.
std::shared_ptr<HttpReply> MakeReply(std::shared_ptr<ReplyQueue> queue);

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_REPLY_QUEUE_H_
