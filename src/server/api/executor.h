// SPDX-License-Identifier: Apache-2.0
//
// A few threads that run what is posted to them, in order of posting.
#ifndef WEIR_SERVER_API_EXECUTOR_H_
#define WEIR_SERVER_API_EXECUTOR_H_

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "base/mutex.h"

namespace weir {

class Executor {
 public:
  explicit Executor(int num_threads);

  // As Stop.
  ~Executor();

  // Any thread. After Stop the task is dropped unrun.
  void Post(std::function<void()> task);

  // Runs what has been posted and joins the threads. Not from one of them.
  void Stop();

 private:
  void Run();

  std::vector<std::thread> threads_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ WEIR_GUARDED_BY(mutex_);
  bool stopping_ WEIR_GUARDED_BY(mutex_) = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_EXECUTOR_H_
