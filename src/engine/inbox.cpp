// SPDX-License-Identifier: Apache-2.0
#include "engine/inbox.h"

#include <utility>

namespace weir {

bool Inbox::Add(std::unique_ptr<Sequence> sequence) {
  MutexLock lock(mutex_);
  if (content_.stop) return false;
  content_.added.push_back(std::move(sequence));
  changed_.NotifyOne();
  return true;
}

void Inbox::Cancel(RequestId id) {
  MutexLock lock(mutex_);
  content_.cancelled.push_back(id);
  changed_.NotifyOne();
}

void Inbox::Stop() {
  MutexLock lock(mutex_);
  content_.stop = true;
  changed_.NotifyOne();
}

Inbox::Content Inbox::Drain(bool wait) {
  MutexLock lock(mutex_);
  while (wait && !HasContent()) changed_.Wait(mutex_);
  Content content = std::move(content_);
  content_ = {};
  content_.stop = content.stop;  // a stop stays
  return content;
}

}  // namespace weir
