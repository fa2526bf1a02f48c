// SPDX-License-Identifier: Apache-2.0
//
// The requests for text that have not ended, so that one can be aborted by name and all of them at
// the end.
#ifndef WEIR_SERVER_API_GENERATION_REGISTRY_H_
#define WEIR_SERVER_API_GENERATION_REGISTRY_H_

#include <atomic>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/mutex.h"

namespace weir {

class Generation;

enum class StopCause { kNone, kClientGone, kAborted, kClosing };

// Any thread.
class GenerationRegistry {
 public:
  void Add(const std::shared_ptr<Generation>& generation);
  void Remove(const Generation* generation);

  // Stops those of that tenant whose reply or caller has that name; how many.
  int Abort(const std::string& tenant, const std::string& name);

  void StopAll(StopCause cause);
  void WaitUntilEmpty();
  int64_t size() const;

  // A number that no other call returns.
  int64_t NextSerial() { return next_serial_.fetch_add(1, std::memory_order_relaxed); }

 private:
  std::vector<std::shared_ptr<Generation>> All() const;

  std::atomic<int64_t> next_serial_{1};
  mutable Mutex mutex_;
  CondVar emptied_;
  std::unordered_map<const Generation*, std::weak_ptr<Generation>> all_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir

#endif  // WEIR_SERVER_API_GENERATION_REGISTRY_H_
