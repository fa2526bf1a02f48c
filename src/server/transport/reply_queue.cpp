// SPDX-License-Identifier: Apache-2.0
#include "server/transport/reply_queue.h"

#include <utility>

#include "server/transport/http_error.h"

namespace weir {
namespace {

class QueueReply : public HttpReply {
 public:
  explicit QueueReply(std::shared_ptr<ReplyQueue> queue) : queue_(std::move(queue)) {}
  ~QueueReply() override { queue_->Abandon(); }

  void Send(HttpResponse response) override { queue_->Send(std::move(response)); }
  void StartStream(HttpResponse head) override { queue_->StartStream(head); }
  bool Write(std::string bytes) override { return queue_->Write(bytes); }
  void End() override { queue_->End(); }
  void OnGone(std::function<void()> gone) override { queue_->OnGone(std::move(gone)); }

 private:
  const std::shared_ptr<ReplyQueue> queue_;
};

void WakeIf(const std::shared_ptr<ReplySink>& sink) {
  if (sink) sink->Wake();
}

}  // namespace

std::shared_ptr<HttpReply> MakeReply(std::shared_ptr<ReplyQueue> queue) {
  return std::make_shared<QueueReply>(std::move(queue));
}

ReplyQueue::ReplyQueue(ReplyForm form, int64_t max_unsent_bytes, std::shared_ptr<ReplySink> sink)
    : max_unsent_bytes_(max_unsent_bytes), form_(std::move(form)), sink_(std::move(sink)) {}

// One wake per Take: a burst of writes costs one post.
std::shared_ptr<ReplySink> ReplyQueue::ToWake() {
  return std::exchange(wake_asked_, true) ? nullptr : sink_;
}

void ReplyQueue::Queue(std::string_view bytes) {
  waiting_ += bytes;
  unsent_bytes_ += static_cast<int64_t>(bytes.size());
}

void ReplyQueue::QueueAnswer(const HttpResponse& response) {
  if (sink_->closing()) form_.keep_alive = false;
  status_ = response.status;
  Queue(AnswerText(form_, response));
  phase_ = Phase::kEnded;
}

void ReplyQueue::Send(HttpResponse response) {
  std::shared_ptr<ReplySink> sink;
  {
    MutexLock lock(mutex_);
    if (gone_ || phase_ != Phase::kNoHead) return;
    QueueAnswer(response);
    sink = ToWake();
  }
  WakeIf(sink);
}

void ReplyQueue::StartStream(const HttpResponse& head) {
  std::shared_ptr<ReplySink> sink;
  {
    MutexLock lock(mutex_);
    if (gone_ || phase_ != Phase::kNoHead) return;
    if (sink_->closing() || form_.http10) form_.keep_alive = false;
    status_ = head.status;
    Queue(StreamHeadText(form_, head));
    phase_ = Phase::kStreaming;
    sink = ToWake();
  }
  WakeIf(sink);
}

bool ReplyQueue::Write(std::string_view bytes) {
  std::shared_ptr<ReplySink> sink;
  bool taken = true;
  {
    MutexLock lock(mutex_);
    if (gone_ || phase_ != Phase::kStreaming) return false;
    if (unsent_bytes_ > max_unsent_bytes_) {
      phase_ = Phase::kCut;
      waiting_ = {};
      taken = false;
    } else {
      Queue(ChunkText(form_, bytes));
    }
    sink = ToWake();
  }
  WakeIf(sink);
  return taken;
}

void ReplyQueue::End() {
  std::shared_ptr<ReplySink> sink;
  {
    MutexLock lock(mutex_);
    if (gone_ || phase_ != Phase::kStreaming) return;
    Queue(StreamEndText(form_));
    phase_ = Phase::kEnded;
    sink = ToWake();
  }
  WakeIf(sink);
}

void ReplyQueue::Interim(std::string_view bytes) {
  std::shared_ptr<ReplySink> sink;
  {
    MutexLock lock(mutex_);
    if (gone_ || phase_ != Phase::kNoHead) return;
    Queue(bytes);
    sink = ToWake();
  }
  WakeIf(sink);
}

void ReplyQueue::CloseAfter() {
  MutexLock lock(mutex_);
  form_.keep_alive = false;
}

void ReplyQueue::Abandon() {
  std::shared_ptr<ReplySink> sink;
  {
    MutexLock lock(mutex_);
    if (gone_ || phase_ == Phase::kEnded || phase_ == Phase::kCut) return;
    if (phase_ == Phase::kNoHead) {
      QueueAnswer(HttpError(500, "no_answer", "the server gave this request up"));
    } else {
      phase_ = Phase::kCut;  // the missing end tells the client that the stream is not whole
    }
    sink = ToWake();
  }
  WakeIf(sink);
}

void ReplyQueue::OnGone(std::function<void()> gone) {
  {
    MutexLock lock(mutex_);
    if (!gone_) {
      on_gone_.swap(gone);
      return;
    }
    if (phase_ == Phase::kEnded) return;
  }
  if (gone) gone();
}

ReplyQueue::Fate ReplyQueue::Take(std::string& out) {
  MutexLock lock(mutex_);
  out.clear();
  out.swap(waiting_);
  wake_asked_ = false;
  if (phase_ == Phase::kCut) return Fate::kCut;
  return phase_ == Phase::kEnded ? Fate::kEnded : Fate::kOpen;
}

void ReplyQueue::Sent(int64_t num_bytes) {
  MutexLock lock(mutex_);
  unsent_bytes_ -= num_bytes;
}

void ReplyQueue::Close(bool complete) {
  std::function<void()> gone;
  std::shared_ptr<ReplySink> sink;  // dropped, like what `gone` holds, without the lock
  {
    MutexLock lock(mutex_);
    if (gone_) return;
    gone_ = true;
    if (complete) phase_ = Phase::kEnded;
    if (!complete && phase_ == Phase::kEnded) phase_ = Phase::kCut;
    waiting_ = {};
    gone.swap(on_gone_);
    sink.swap(sink_);
  }
  if (!complete && gone) gone();
}

int ReplyQueue::status() const {
  MutexLock lock(mutex_);
  return status_;
}

bool ReplyQueue::keep_alive() const {
  MutexLock lock(mutex_);
  return form_.keep_alive;
}

}  // namespace weir
