// SPDX-License-Identifier: Apache-2.0
#include "server/api/admission.h"

#include <algorithm>
#include <utility>

namespace weir {

QueuePlace::QueuePlace(QueuePlace&& other) noexcept
    : admission_(std::exchange(other.admission_, nullptr)), load_(other.load_) {}

QueuePlace& QueuePlace::operator=(QueuePlace&& other) noexcept {
  std::swap(admission_, other.admission_);
  std::swap(load_, other.load_);
  return *this;
}

QueuePlace::~QueuePlace() {
  if (admission_ != nullptr) admission_->TryChange(load_, {});
}

bool QueuePlace::Resize(Load load) {
  if (admission_ == nullptr || !admission_->TryChange(load_, load)) return false;
  load_ = load;
  return true;
}

void QueuePlace::Leave(int64_t tokens) {
  if (admission_ == nullptr) return;
  const Load rest = {.requests = std::max<int64_t>(load_.requests - 1, 0),
                     .tokens = std::max<int64_t>(load_.tokens - tokens, 0)};
  admission_->TryChange(load_, rest);
  load_ = rest;
}

std::optional<QueuePlace> Admission::TryEnter(Load load) {
  if (!TryChange({}, load)) return std::nullopt;
  return QueuePlace(this, load);
}

bool Admission::TryChange(Load from, Load to) {
  MutexLock lock(mutex_);
  const Load others = {.requests = queued_.requests - from.requests,
                       .tokens = queued_.tokens - from.tokens};
  const bool grows = to.requests > from.requests || to.tokens > from.tokens;
  if (grows && others.requests > 0) {
    if (max_requests_ > 0 && others.requests + to.requests > max_requests_) return false;
    if (max_tokens_ > 0 && others.tokens + to.tokens > max_tokens_) return false;
  }
  queued_ = {.requests = others.requests + to.requests, .tokens = others.tokens + to.tokens};
  return true;
}

Load Admission::queued() const {
  MutexLock lock(mutex_);
  return queued_;
}

bool Admission::requests_full() const {
  MutexLock lock(mutex_);
  return max_requests_ > 0 && queued_.requests >= max_requests_;
}

}  // namespace weir
