// SPDX-License-Identifier: Apache-2.0
//
// Workers bound to CPUs that spin a little and then sleep. A decode step makes hundreds of parallel
// regions of tens of microseconds each, so entering and leaving one must cost about a microsecond
// and allocate nothing.
#ifndef WEIR_BASE_THREAD_POOL_H_
#define WEIR_BASE_THREAD_POOL_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "base/function_ref.h"

namespace weir {

struct ThreadPoolOptions {
  int32_t num_threads = 0;  // the caller counts as one; 0: as many as UsableCpus() has
  // Bind worker i to the i-th usable CPU, for i >= 1. Done only when the pool takes every usable
  // CPU: a smaller pool must not choose which CPUs to crowd, a larger one leaves it to the system.
  bool pin = true;
  // How long an idle worker, and a caller who has finished its own part, spins before it sleeps.
  // A pool with more threads than CPUs does not spin: it would take the CPU from its own work.
  int32_t spin_us = 50;
};

// One caller at a time: the thread that calls is worker 0 for the length of the call. A call from
// inside a call, on any worker, is a bug. With one thread everything runs inline.
class ThreadPool {
 public:
  explicit ThreadPool(const ThreadPoolOptions& options);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int32_t num_threads() const;
  bool pinned() const;  // whether workers 1 and up are bound to CPUs

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
  friend class CallerPin;
  struct State;
  std::unique_ptr<State> state_;
};

// Binds the current thread to the CPU that a pinned pool left for worker 0, and gives the thread
// its old CPUs back on destruction; does nothing when the pool is not pinned. It is separate from
// the pool because threads inherit the binding of the thread that starts them: only a thread that
// starts none, like the engine's, should hold one. Destroy it on the thread that made it.
class CallerPin {
 public:
  explicit CallerPin(const ThreadPool& pool);
  ~CallerPin();
  CallerPin(const CallerPin&) = delete;
  CallerPin& operator=(const CallerPin&) = delete;

 private:
  std::vector<int32_t> before_;  // empty: nothing to restore
};

}  // namespace weir

#endif  // WEIR_BASE_THREAD_POOL_H_
