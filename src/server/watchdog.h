// SPDX-License-Identifier: Apache-2.0
//
// Watches an engine from outside and tells when it is stuck: it has work, and has neither begun nor
// ended a step for too long. A long step that ends in time is only busy, an empty engine only idle.
#ifndef WEIR_SERVER_WATCHDOG_H_
#define WEIR_SERVER_WATCHDOG_H_

#include <functional>
#include <string>
#include <thread>

#include <weir/engine.h>

#include "base/mutex.h"

namespace weir {

struct WatchdogOptions {
  int32_t timeout_ms = 60'000;
  int32_t check_every_ms = 1000;
  std::string dump_file;  // gets the ledger as GET /weir/steps shows it; empty: only the log tells
};

// The recent steps and their rows, as JSON.
std::string LedgerDump(const Engine& engine);

class Watchdog {
 public:
  // `on_change` is called on the watchdog's thread with what is wrong when the engine gets stuck,
  // and with an empty text when it goes on. The log and the dump file are written before.
  Watchdog(const Engine& engine, WatchdogOptions options,
           std::function<void(const std::string& problem)> on_change = nullptr);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

 private:
  void Run();
  void Check();

  const Engine& engine_;
  const WatchdogOptions options_;
  const std::function<void(const std::string&)> on_change_;
  bool stuck_ = false;  // the thread's own
  Mutex mutex_;
  CondVar ending_changed_;
  bool ending_ WEIR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_SERVER_WATCHDOG_H_
