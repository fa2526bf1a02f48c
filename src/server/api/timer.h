// SPDX-License-Identifier: Apache-2.0
//
// Calls functions after a while, on one thread.
#ifndef WEIR_SERVER_API_TIMER_H_
#define WEIR_SERVER_API_TIMER_H_

#include <chrono>
#include <functional>
#include <map>
#include <thread>

#include "base/mutex.h"

namespace weir {

class Timer {
 public:
  Timer();
  ~Timer();  // what is still due is dropped

  // Any thread. `task` must not block.
  void CallAfter(int milliseconds, std::function<void()> task);

 private:
  using Clock = std::chrono::steady_clock;

  void Run();
  std::function<void()> NextTask();  // empty: stopping

  Mutex mutex_;
  CondVar changed_;
  std::multimap<Clock::time_point, std::function<void()>> due_ WEIR_GUARDED_BY(mutex_);
  bool stopping_ WEIR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_TIMER_H_
