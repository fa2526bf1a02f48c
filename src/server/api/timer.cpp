// SPDX-License-Identifier: Apache-2.0
#include "server/api/timer.h"

#include <algorithm>
#include <utility>

namespace weir {

Timer::Timer() : thread_([this] { Run(); }) {}

Timer::~Timer() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
  }
  changed_.NotifyOne();
  thread_.join();
}

void Timer::CallAfter(int milliseconds, std::function<void()> task) {
  {
    MutexLock lock(mutex_);
    due_.emplace(Clock::now() + std::chrono::milliseconds(milliseconds), std::move(task));
  }
  changed_.NotifyOne();
}

std::function<void()> Timer::NextTask() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (due_.empty()) {
      changed_.Wait(mutex_);
      continue;
    }
    const auto first = due_.begin();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(first->first - Clock::now());
    if (left.count() <= 0) {
      std::function<void()> task = std::move(first->second);
      due_.erase(first);
      return task;
    }
    changed_.WaitFor(mutex_, static_cast<int>(std::min<int64_t>(left.count(), 60000)));
  }
  return nullptr;
}

void Timer::Run() {
  while (const std::function<void()> task = NextTask()) task();
}

}  // namespace weir
