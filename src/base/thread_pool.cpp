// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <pthread.h>
#include <string>
#include <thread>

#include "base/check.h"
#include "base/clock.h"
#include "base/cpu_set.h"
#include "base/mutex.h"

namespace weir {
namespace {

// Two cache lines: neighbouring lines are fetched in pairs on x86.
constexpr size_t kApart = 128;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// Spins until `done` holds; false when it did not within `seconds`.
template <class Done>
bool SpinUntil(double seconds, Done done) {
  if (done()) return true;
  if (seconds <= 0.0) return false;
  const double deadline = NowSeconds() + seconds;
  do {
    for (int i = 0; i < 32; ++i) {  // the clock costs as much as several looks
      Pause();
      if (done()) return true;
    }
  } while (NowSeconds() < deadline);
  return false;
}

}  // namespace

// The region that runs is `job`. The caller writes it, then adds one to `epoch`; a worker that sees
// a new epoch calls the job and stores the epoch in its `done`. Both sides sleep by the same rule:
// say so in a flag, look once more, then wait; the other side changes the value, then looks at the
// flag. All four accesses are sequentially consistent, so one of the two sees the other.
struct ThreadPool::State {
  struct alignas(kApart) Worker {
    std::atomic<uint64_t> done{0};
    std::thread thread;
  };

  explicit State(int32_t n) : num_threads(n), workers(std::make_unique<Worker[]>(n)) {}
  ~State();

  void Serve(int32_t worker);
  uint64_t WaitForEpochAfter(uint64_t seen);
  void WaitForWorkers(uint64_t now);
  bool WorkersDone(uint64_t now) const;
  void Start(const FunctionRef<void(int32_t)>* fn);

  // Constant once the workers run.
  const int32_t num_threads;
  double spin_seconds = 0.0;
  std::vector<int32_t> cpus;  // of each worker; empty: not bound

  const std::unique_ptr<Worker[]> workers;  // [0] is the caller's and has no thread

  alignas(kApart) std::atomic<uint64_t> epoch{0};
  const FunctionRef<void(int32_t)>* job = nullptr;  // null: the pool ends
  alignas(kApart) std::atomic<int64_t> next_item{0};
  alignas(kApart) std::atomic<int32_t> num_asleep{0};
  std::atomic<bool> caller_asleep{false};
  std::atomic<bool> in_region{false};
  Mutex mutex;  // guards nothing but the moment between the last look and the wait
  CondVar work_came;
  CondVar work_ended;
};

ThreadPool::State::~State() {
  Start(nullptr);
  for (int32_t i = 1; i < num_threads; ++i) {
    if (workers[i].thread.joinable()) workers[i].thread.join();
  }
}

void ThreadPool::State::Start(const FunctionRef<void(int32_t)>* fn) {
  job = fn;
  epoch.fetch_add(1, std::memory_order_seq_cst);
  if (num_asleep.load(std::memory_order_seq_cst) == 0) return;
  MutexLock lock(mutex);
  work_came.NotifyAll();
}

uint64_t ThreadPool::State::WaitForEpochAfter(uint64_t seen) {
  const auto came = [&] { return epoch.load(std::memory_order_acquire) != seen; };
  if (!SpinUntil(spin_seconds, came)) {
    MutexLock lock(mutex);
    num_asleep.fetch_add(1, std::memory_order_seq_cst);
    while (epoch.load(std::memory_order_seq_cst) == seen) work_came.Wait(mutex);
    num_asleep.fetch_sub(1, std::memory_order_relaxed);
  }
  return epoch.load(std::memory_order_acquire);
}

void ThreadPool::State::Serve(int32_t worker) {
  uint64_t seen = 0;
  for (;;) {
    seen = WaitForEpochAfter(seen);
    if (job == nullptr) return;
    (*job)(worker);
    workers[worker].done.store(seen, std::memory_order_seq_cst);
    if (!caller_asleep.load(std::memory_order_seq_cst)) continue;
    MutexLock lock(mutex);
    work_ended.NotifyOne();
  }
}

bool ThreadPool::State::WorkersDone(uint64_t now) const {
  for (int32_t i = 1; i < num_threads; ++i) {
    if (workers[i].done.load(std::memory_order_seq_cst) != now) return false;
  }
  return true;
}

void ThreadPool::State::WaitForWorkers(uint64_t now) {
  if (SpinUntil(spin_seconds, [&] { return WorkersDone(now); })) return;
  MutexLock lock(mutex);
  caller_asleep.store(true, std::memory_order_seq_cst);
  while (!WorkersDone(now)) work_ended.Wait(mutex);
  caller_asleep.store(false, std::memory_order_relaxed);
}

ThreadPool::ThreadPool(const ThreadPoolOptions& options) {
  WEIR_CHECK_GE(options.num_threads, 0);
  const UsableCpus usable = FindUsableCpus();
  const int32_t num_cpus = static_cast<int32_t>(usable.ids.size());
  const int32_t n = options.num_threads > 0 ? options.num_threads : usable.num_threads;
  state_ = std::make_unique<State>(n);
  if (n <= num_cpus) state_->spin_seconds = options.spin_us * 1e-6;
  if (options.pin && n == num_cpus) state_->cpus = usable.ids;
  for (int32_t i = 1; i < n; ++i) {
    state_->workers[i].thread = std::thread([state = state_.get(), i] {
      ::pthread_setname_np(::pthread_self(), ("weir-" + std::to_string(i)).c_str());
      if (!state->cpus.empty()) BindCurrentThread({&state->cpus[static_cast<size_t>(i)], 1});
      state->Serve(i);
    });
  }
}

ThreadPool::~ThreadPool() = default;

int32_t ThreadPool::num_threads() const { return state_->num_threads; }

bool ThreadPool::pinned() const { return !state_->cpus.empty(); }

void ThreadPool::Run(FunctionRef<void(int32_t worker)> fn) {
  State& state = *state_;
  const bool nested_or_two_callers = state.in_region.exchange(true, std::memory_order_acquire);
  WEIR_CHECK(!nested_or_two_callers);
  if (state.num_threads > 1) {
    state.Start(&fn);
    fn(0);
    state.WaitForWorkers(state.epoch.load(std::memory_order_relaxed));
  } else {
    fn(0);
  }
  state.in_region.store(false, std::memory_order_release);
}

void ThreadPool::ForRanges(int64_t n, int64_t grain,
                           FunctionRef<void(int64_t begin, int64_t end, int32_t worker)> fn) {
  WEIR_CHECK_GE(grain, 1);
  if (n <= 0) return;
  const int64_t units = n / grain + (n % grain != 0 ? 1 : 0);
  const int64_t each = units / num_threads();
  const int64_t one_more = units % num_threads();  // so many workers get each + 1 units
  // The end of [0, n) is given by name: units * grain may be past what an int64 holds.
  const auto edge = [&](int64_t w) {
    const int64_t unit = w * each + std::min(w, one_more);
    return unit == units ? n : unit * grain;
  };
  Run([&](int32_t worker) {
    const int64_t begin = edge(worker);
    const int64_t end = edge(worker + 1);
    if (begin < end) fn(begin, end, worker);
  });
}

void ThreadPool::ForItems(int64_t n, FunctionRef<void(int64_t item, int32_t worker)> fn) {
  if (n <= 0) return;
  std::atomic<int64_t>& next = state_->next_item;
  next.store(0, std::memory_order_relaxed);
  Run([&](int32_t worker) {
    for (;;) {
      const int64_t item = next.fetch_add(1, std::memory_order_relaxed);
      if (item >= n) return;
      fn(item, worker);
    }
  });
}

CallerPin::CallerPin(const ThreadPool& pool) {
  if (!pool.pinned()) return;
  std::vector<int32_t> before = CurrentThreadCpus();
  if (BindCurrentThread({pool.state_->cpus.data(), 1})) before_ = std::move(before);
}

CallerPin::~CallerPin() {
  if (!before_.empty()) BindCurrentThread(before_);
}

}  // namespace weir
