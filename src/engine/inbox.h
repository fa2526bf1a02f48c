// SPDX-License-Identifier: Apache-2.0
//
// What other threads want of the engine. Many threads push; the engine thread drains once per step
// and sleeps here when there is nothing to do.
#ifndef WEIR_ENGINE_INBOX_H_
#define WEIR_ENGINE_INBOX_H_

#include <memory>
#include <vector>

#include "base/mutex.h"
#include "engine/sequence.h"

namespace weir {

class Inbox {
 public:
  struct Content {
    std::vector<std::unique_ptr<Sequence>> added;
    std::vector<RequestId> cancelled;
    bool reset_prefix_cache = false;
    bool stop = false;
  };

  // All outputs of a request. False, taking nothing, once Stop() was called.
  [[nodiscard]] bool Add(std::vector<std::unique_ptr<Sequence>> sequences);
  void Cancel(RequestId id);
  void ResetPrefixCache();
  void Stop();

  // What was added and not drained yet.
  struct Waiting {
    int32_t num_seqs = 0;
    int64_t num_tokens = 0;
  };
  Waiting waiting() const;

  // Everything since the last call. With `wait` it sleeps until there is something.
  Content Drain(bool wait);

 private:
  bool HasContent() const WEIR_REQUIRES(mutex_) {
    return !content_.added.empty() || !content_.cancelled.empty() || content_.reset_prefix_cache ||
           content_.stop;
  }

  mutable Mutex mutex_;
  CondVar changed_;
  Content content_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir

#endif  // WEIR_ENGINE_INBOX_H_
