// SPDX-License-Identifier: Apache-2.0
//
// Workers bound to CPUs that spin a little and then sleep. A decode step makes hundreds of parallel
// regions of tens of microseconds each, so entering and leaving one must cost about a microsecond.
#ifndef WEIR_BASE_THREAD_POOL_H_
#define WEIR_BASE_THREAD_POOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/function_ref.h"

namespace weir {

struct ThreadPoolOptions {
  int32_t num_threads = 0;        // the caller counts as one; 0: as many as UsableCpus() has
  bool pin = true;                // bind worker i to the i-th usable CPU
  int32_t spin_us = 50;           // how long an idle worker spins before it sleeps
};

// One caller at a time: the thread that calls is worker 0 for the length of the call.
class ThreadPool {
 public:
  explicit ThreadPool(const ThreadPoolOptions& options);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int32_t num_threads() const;

  // Calls fn(worker) once for each worker in [0, num_threads) and returns when all have returned.
  void Run(FunctionRef<void(int32_t worker)> fn);

  // Cuts [0, n) into at most num_threads contiguous ranges whose inner edges are multiples of
  // `grain`, and calls fn(begin, end, worker) once per non-empty range. The cut depends on n, grain
  // and the number of threads only.
  void ForRanges(int64_t n, int64_t grain,
                 FunctionRef<void(int64_t begin, int64_t end, int32_t worker)> fn);

  // Calls fn(item, worker) once for each item in [0, n). Workers take the next item in ascending
  // order from one counter as they become free.
  void ForItems(int64_t n, FunctionRef<void(int64_t item, int32_t worker)> fn);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir

#endif  // WEIR_BASE_THREAD_POOL_H_
