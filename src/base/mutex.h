// SPDX-License-Identifier: Apache-2.0
//
// std::mutex with clang's thread-safety annotations, which libstdc++ lacks. Clang then refuses code
// that touches a WEIR_GUARDED_BY member without the lock; other compilers see nothing.
#ifndef WEIR_BASE_MUTEX_H_
#define WEIR_BASE_MUTEX_H_

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define WEIR_THREAD_ATTRIBUTE_(x) __attribute__((x))
#else
#define WEIR_THREAD_ATTRIBUTE_(x)
#endif
#define WEIR_GUARDED_BY(x) WEIR_THREAD_ATTRIBUTE_(guarded_by(x))
#define WEIR_REQUIRES(x) WEIR_THREAD_ATTRIBUTE_(requires_capability(x))

namespace weir {

class WEIR_THREAD_ATTRIBUTE_(capability("mutex")) Mutex {
 public:
  void Lock() WEIR_THREAD_ATTRIBUTE_(acquire_capability()) { mutex_.lock(); }
  void Unlock() WEIR_THREAD_ATTRIBUTE_(release_capability()) { mutex_.unlock(); }

 private:
  friend class CondVar;
  std::mutex mutex_;
};

class WEIR_THREAD_ATTRIBUTE_(scoped_lockable) MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) WEIR_THREAD_ATTRIBUTE_(acquire_capability(mutex))
      : mutex_(mutex) {
    mutex_.Lock();
  }
  ~MutexLock() WEIR_THREAD_ATTRIBUTE_(release_capability()) { mutex_.Unlock(); }
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

 private:
  Mutex& mutex_;
};

class CondVar {
 public:
  // Gives the lock up while waiting. Wakes may be spurious: wait in a loop over the condition.
  void Wait(Mutex& mutex) WEIR_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
  }
  // As Wait, but also returns after `milliseconds`.
  void WaitFor(Mutex& mutex, int milliseconds) WEIR_REQUIRES(mutex) {
    std::unique_lock<std::mutex> lock(mutex.mutex_, std::adopt_lock);
    condition_.wait_for(lock, std::chrono::milliseconds(milliseconds));
    lock.release();
  }
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }

 private:
  std::condition_variable condition_;
};

}  // namespace weir

#endif  // WEIR_BASE_MUTEX_H_
