// SPDX-License-Identifier: Apache-2.0
//
// A client's end of an HttpReply, in memory.
#ifndef WEIR_TESTS_SERVER_API_FAKE_REPLY_H_
#define WEIR_TESTS_SERVER_API_FAKE_REPLY_H_

#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/mutex.h"
#include "server/http.h"

namespace weir {

// What a client has seen. Outlives the reply: tests keep it, the server keeps the FakeReply.
class Seen {
 public:
  // The client leaves.
  void Disconnect();

  // Wait for the reply's end, or for so many chunks.
  void WaitUntilDone();
  void WaitForChunks(size_t count);

  bool done() const;
  int status() const;
  HttpResponse response() const;
  std::string body() const;  // of a stream: all chunks
  Json json() const;
  // The JSON of a stream's events, without [DONE]; fails the test when the form is not exact.
  std::vector<Json> events() const;
  bool dropped() const;  // given up without an answer

 private:
  friend class FakeReply;
  mutable Mutex mutex_;
  mutable CondVar changed_;
  HttpResponse response_ WEIR_GUARDED_BY(mutex_);
  std::vector<std::string> chunks_ WEIR_GUARDED_BY(mutex_);
  std::function<void()> gone_ WEIR_GUARDED_BY(mutex_);
  bool streaming_ WEIR_GUARDED_BY(mutex_) = false;
  bool done_ WEIR_GUARDED_BY(mutex_) = false;
  bool left_ WEIR_GUARDED_BY(mutex_) = false;
  bool dropped_ WEIR_GUARDED_BY(mutex_) = false;
};

class FakeReply final : public HttpReply {
 public:
  explicit FakeReply(std::shared_ptr<Seen> seen) : seen_(std::move(seen)) {}
  ~FakeReply() override;

  void Send(HttpResponse response) override;
  void StartStream(HttpResponse head) override;
  bool Write(std::string bytes) override;
  void End() override;
  void OnGone(std::function<void()> gone) override;

 private:
  const std::shared_ptr<Seen> seen_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SERVER_API_FAKE_REPLY_H_
