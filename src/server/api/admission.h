// SPDX-License-Identifier: Apache-2.0
//
// How much may wait. A request takes its place here before anything is done for it, with a guess of
// its prompt's length, and gives it back when its first token is there: so a flood is refused while
// it arrives, and not after its prompts have been read.
#ifndef WEIR_SERVER_API_ADMISSION_H_
#define WEIR_SERVER_API_ADMISSION_H_

#include <cstdint>
#include <optional>

#include "base/mutex.h"

namespace weir {

struct Load {
  int64_t requests = 0;
  int64_t tokens = 0;
};

class Admission;

// A place in the queue; given back with the object.
class QueuePlace {
 public:
  QueuePlace() = default;
  QueuePlace(QueuePlace&& other) noexcept;
  QueuePlace& operator=(QueuePlace&& other) noexcept;
  ~QueuePlace();

  // What the place holds is now known better. False, and nothing changes, if that is more than the
  // caps have room for.
  [[nodiscard]] bool Resize(Load load);

  // Takes one prompt out, as its first token is there.
  void Leave(int64_t tokens);

 private:
  friend class Admission;
  QueuePlace(Admission* admission, Load load) : admission_(admission), load_(load) {}

  Admission* admission_ = nullptr;
  Load load_;
};

// Any thread. Outlives its places.
class Admission {
 public:
  // 0: no limit.
  Admission(int64_t max_requests, int64_t max_tokens)
      : max_requests_(max_requests), max_tokens_(max_tokens) {}

  // Nothing when full. What comes into an empty queue is taken whatever its size.
  std::optional<QueuePlace> TryEnter(Load load);

  Load queued() const;
  bool requests_full() const;  // whether the number of requests is what refused

 private:
  friend class QueuePlace;
  bool TryChange(Load from, Load to);

  const int64_t max_requests_;
  const int64_t max_tokens_;
  mutable Mutex mutex_;
  Load queued_ WEIR_GUARDED_BY(mutex_);
};

}  // namespace weir

#endif  // WEIR_SERVER_API_ADMISSION_H_
