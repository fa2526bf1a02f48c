// SPDX-License-Identifier: Apache-2.0
#include "server/api/fake_reply.h"

#include <gtest/gtest.h>
#include <utility>

#include "base/check.h"

namespace weir {

void Seen::Disconnect() {
  std::function<void()> gone;
  {
    MutexLock lock(mutex_);
    if (done_) return;
    left_ = true;
    gone = std::exchange(gone_, nullptr);
  }
  if (gone) gone();
}

void Seen::WaitUntilDone() {
  MutexLock lock(mutex_);
  while (!done_) changed_.Wait(mutex_);
}

void Seen::WaitForChunks(size_t count) {
  MutexLock lock(mutex_);
  while (chunks_.size() < count && !done_) changed_.Wait(mutex_);
}

bool Seen::done() const {
  MutexLock lock(mutex_);
  return done_;
}

int Seen::status() const { return response().status; }

HttpResponse Seen::response() const {
  MutexLock lock(mutex_);
  return response_;
}

std::string Seen::body() const {
  MutexLock lock(mutex_);
  std::string body = response_.body;
  for (const std::string& chunk : chunks_) body += chunk;
  return body;
}

Json Seen::json() const { return Json::parse(body(), nullptr, false); }

std::vector<Json> Seen::events() const {
  std::vector<Json> result;
  std::string rest = body();
  bool ended = false;
  while (!rest.empty()) {
    EXPECT_FALSE(ended) << "bytes after [DONE]: " << rest;
    EXPECT_EQ(rest.substr(0, 6), "data: ") << rest;
    const size_t end = rest.find("\n\n");
    EXPECT_NE(end, std::string::npos) << rest;
    if (end == std::string::npos || rest.substr(0, 6) != "data: ") break;
    const std::string data = rest.substr(6, end - 6);
    EXPECT_EQ(data.find('\n'), std::string::npos);
    EXPECT_EQ(data.find('\r'), std::string::npos);
    rest.erase(0, end + 2);
    if (data == "[DONE]") {
      ended = true;
    } else {
      result.push_back(Json::parse(data, nullptr, false));
      EXPECT_FALSE(result.back().is_discarded()) << data;
    }
  }
  EXPECT_TRUE(ended) << "no [DONE]";
  return result;
}

bool Seen::dropped() const {
  MutexLock lock(mutex_);
  return dropped_;
}

FakeReply::~FakeReply() {
  MutexLock lock(seen_->mutex_);
  if (!seen_->done_) seen_->dropped_ = true;
  seen_->done_ = true;
  seen_->gone_ = nullptr;
  seen_->changed_.NotifyAll();
}

void FakeReply::Send(HttpResponse response) {
  MutexLock lock(seen_->mutex_);
  WEIR_CHECK(!seen_->done_ && !seen_->streaming_);
  seen_->response_ = std::move(response);
  seen_->done_ = true;
  seen_->changed_.NotifyAll();
}

void FakeReply::StartStream(HttpResponse head) {
  MutexLock lock(seen_->mutex_);
  WEIR_CHECK(!seen_->done_ && !seen_->streaming_);
  seen_->response_ = std::move(head);
  seen_->response_.body.clear();
  seen_->streaming_ = true;
}

bool FakeReply::Write(std::string bytes) {
  MutexLock lock(seen_->mutex_);
  WEIR_CHECK(seen_->streaming_ && !seen_->done_);
  if (seen_->left_) return false;
  seen_->chunks_.push_back(std::move(bytes));
  seen_->changed_.NotifyAll();
  return true;
}

void FakeReply::End() {
  MutexLock lock(seen_->mutex_);
  WEIR_CHECK(seen_->streaming_ && !seen_->done_);
  seen_->done_ = true;
  seen_->changed_.NotifyAll();
}

void FakeReply::OnGone(std::function<void()> gone) {
  {
    MutexLock lock(seen_->mutex_);
    if (!seen_->left_) {
      seen_->gone_ = std::move(gone);
      return;
    }
  }
  gone();
}

}  // namespace weir
