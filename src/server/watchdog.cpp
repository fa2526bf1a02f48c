// SPDX-License-Identifier: Apache-2.0
#include "server/watchdog.h"

#include <algorithm>
#include <chrono>
#include <fstream>

#include "base/json.h"
#include "base/log.h"
#include "engine/step_json.h"
#include "server/api/health.h"

namespace weir {
namespace {

constexpr int32_t kDumpedSteps = 256;
constexpr int32_t kLoggedSteps = 8;

int64_t NowUs() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void LogSteps(const Engine& engine, int64_t num_steps) {
  const int64_t first = std::max<int64_t>(1, num_steps - kLoggedSteps + 1);
  for (const StepRecord& step : engine.Steps(first, kLoggedSteps)) {
    WEIR_LOG(ERROR, "step before the stall", "step", step.step, "seqs",
             fmt::format("{}", fmt::join(step.num_seqs, "/")), "tokens",
             fmt::format("{}", fmt::join(step.num_tokens, "/")), "waiting", step.num_waiting,
             "free_pages", step.num_free_pages, "predicted_us", step.predicted_us, "total_us",
             step.total_us);
  }
}

}  // namespace

std::string LedgerDump(const Engine& engine) {
  const int64_t num_steps = engine.Stats().num_steps;
  return DumpJson(
      StepsAnswer(engine, std::max<int64_t>(1, num_steps - kDumpedSteps + 1), kDumpedSteps));
}

Watchdog::Watchdog(const Engine& engine, WatchdogOptions options,
                   std::function<void(const std::string&)> on_change)
    : engine_(engine),
      options_(std::move(options)),
      on_change_(std::move(on_change)),
      thread_([this] { Run(); }) {}

Watchdog::~Watchdog() {
  {
    MutexLock lock(mutex_);
    ending_ = true;
    ending_changed_.NotifyAll();
  }
  thread_.join();
}

void Watchdog::Run() {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!ending_) ending_changed_.WaitFor(mutex_, options_.check_every_ms);
      if (ending_) return;
    }
    Check();
  }
}

void Watchdog::Check() {
  const EngineStats stats = engine_.Stats();
  const std::string problem = HeartbeatProblem(stats, NowUs(), options_.timeout_ms);
  if (problem.empty() != stuck_) return;
  stuck_ = !problem.empty();
  if (stuck_) {
    WEIR_LOG(ERROR, "engine stuck", "what", problem, "running", stats.num_running, "waiting",
             stats.num_waiting, "steps", stats.num_steps, "free_pages", stats.num_free_pages);
    LogSteps(engine_, stats.num_steps);
    if (!options_.dump_file.empty()) {
      std::ofstream file(options_.dump_file);
      file << LedgerDump(engine_) << '\n';
      file.flush();
      WEIR_LOG(ERROR, file ? "ledger written" : "ledger could not be written", "file",
               options_.dump_file);
    }
  } else {
    WEIR_LOG(WARN, "engine goes on", "steps", stats.num_steps);
  }
  if (on_change_) on_change_(problem);
}

}  // namespace weir
