// SPDX-License-Identifier: Apache-2.0
//
// Whether the engine is alive: by its heartbeat, which costs nothing, or by a token that it has to
// compute.
#ifndef WEIR_SERVER_API_HEALTH_H_
#define WEIR_SERVER_API_HEALTH_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <weir/engine.h>

#include "base/mutex.h"
#include "server/api/timer.h"
#include "server/http.h"

namespace weir {

// What is wrong, or empty. An engine that is idle is well however long ago it did something, unless
// something waits for it.
std::string HeartbeatProblem(const EngineStats& stats, int64_t now_us, int32_t stall_ms);

// One canary request runs at a time; whoever asks meanwhile gets its result, so asking often costs
// the engine no more than asking once. Any thread.
class Canary : public std::enable_shared_from_this<Canary> {
 public:
  // All of it must live until WaitUntilIdle has returned.
  Canary(Engine& engine, Timer& timer, int32_t limit_ms);

  // Answers 200 when a token has come, 503 when none has within the limit.
  void Ask(std::shared_ptr<HttpReply> reply);

  // Waits for the engine to let go of the last one.
  void WaitUntilIdle();

 private:
  void Submit();
  void Answer(int64_t round, const std::string& problem);
  void EngineDone();

  Engine& engine_;
  Timer& timer_;
  const int32_t limit_ms_;

  Mutex mutex_;
  CondVar idle_;
  std::vector<std::shared_ptr<HttpReply>> waiting_ WEIR_GUARDED_BY(mutex_);
  int64_t round_ WEIR_GUARDED_BY(mutex_) = 0;  // of the canary that `waiting_` waits for
  bool in_engine_ WEIR_GUARDED_BY(mutex_) = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_HEALTH_H_
