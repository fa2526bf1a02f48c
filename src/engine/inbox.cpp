// SPDX-License-Identifier: Apache-2.0
#include "engine/inbox.h"

#include <utility>

namespace weir {

bool Inbox::Add(std::vector<std::unique_ptr<Sequence>> sequences) {
  MutexLock lock(mutex_);
  if (content_.stop) return false;
  for (auto& sequence : sequences) content_.added.push_back(std::move(sequence));
  changed_.NotifyOne();
  return true;
}

void Inbox::Cancel(RequestId id) {
  MutexLock lock(mutex_);
  content_.cancelled.push_back(id);
  changed_.NotifyOne();
}

void Inbox::ResetPrefixCache() {
  MutexLock lock(mutex_);
  content_.reset_prefix_cache = true;
  changed_.NotifyOne();
}

void Inbox::Stop() {
  MutexLock lock(mutex_);
  content_.stop = true;
  changed_.NotifyOne();
}

Inbox::Waiting Inbox::waiting() const {
  MutexLock lock(mutex_);
  Waiting waiting;
  for (const auto& sequence : content_.added) {
    ++waiting.num_seqs;
    waiting.num_tokens += sequence->num_tokens();
  }
  return waiting;
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
