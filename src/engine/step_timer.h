// SPDX-License-Identifier: Apache-2.0
//
// Times the phases of a step: made when the step begins, marked at the end of each phase.
//
//   StepTimer timer;
//   ... scheduler_.Next ...      timer.End(record.schedule_us);
//   ... preparer_.Prepare ...    timer.End(record.plan_us);
//   ...
//   timer.Finish(record);        sets begin_us and total_us
#ifndef WEIR_ENGINE_STEP_TIMER_H_
#define WEIR_ENGINE_STEP_TIMER_H_

#include <chrono>
#include <cstdint>

#include <weir/stats.h>

namespace weir {

// Of std::chrono::steady_clock, as all times in records are.
inline int64_t SteadyMicros() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

class StepTimer {
 public:
  StepTimer() : begin_(Clock::now()), last_(begin_) {}

  // Adds what has passed since the last call, or the beginning, to `phase_us`.
  void End(float& phase_us) {
    const auto now = Clock::now();
    phase_us += Micros(now - last_);
    last_ = now;
  }

  // The total is until the last End, so that it is the sum of the phases.
  void Finish(StepRecord& record) const {
    record.begin_us =
        std::chrono::duration_cast<std::chrono::microseconds>(begin_.time_since_epoch()).count();
    record.total_us = Micros(last_ - begin_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static float Micros(Clock::duration time) {
    return std::chrono::duration<float, std::micro>(time).count();
  }

  Clock::time_point begin_;
  Clock::time_point last_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_TIMER_H_
