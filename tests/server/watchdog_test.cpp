// SPDX-License-Identifier: Apache-2.0
//
// A stuck engine is told once, with its ledger; an engine that goes on again as well.
#include "server/watchdog.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <limits>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/json.h"
#include "server/api/fake_engine.h"

namespace weir {
namespace {

class Problems {
 public:
  void Add(const std::string& problem) {
    MutexLock lock(mutex_);
    problems_.push_back(problem);
    changed_.NotifyAll();
  }
  std::vector<std::string> WaitFor(size_t count) {
    MutexLock lock(mutex_);
    for (int s = 0; s < 30 && problems_.size() < count; ++s) changed_.WaitFor(mutex_, 1000);
    return problems_;
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  std::vector<std::string> problems_ WEIR_GUARDED_BY(mutex_);
};

TEST(Watchdog, TellsOfAStallAndOfItsEnd) {
  const std::string file =
      ::testing::TempDir() + "weir_watchdog_" + std::to_string(::getpid()) + ".json";
  FakeEngine engine;
  EngineStats stats = {};
  stats.num_running = 1;
  stats.heartbeat_us = 0;  // the clock's beginning
  engine.SetStats(stats);
  Problems problems;
  {
    const Watchdog watchdog(engine, {.timeout_ms = 1000, .check_every_ms = 1, .dump_file = file},
                            [&](const std::string& problem) { problems.Add(problem); });
    const auto first = problems.WaitFor(1);
    ASSERT_EQ(first.size(), 1u);
    EXPECT_NE(first[0], "");
    const auto dump = ParseJsonFile(file, 1 << 20);
    ASSERT_TRUE(dump.has_value()) << dump.error().message;
    EXPECT_TRUE(dump->contains("steps") && dump->contains("rows"));

    stats.heartbeat_us = std::numeric_limits<int64_t>::max() / 2;  // never long ago
    engine.SetStats(stats);
    const auto both = problems.WaitFor(2);
    ASSERT_EQ(both.size(), 2u) << "once each, however often it looks";
    EXPECT_EQ(both[1], "");
  }
  std::remove(file.c_str());
}

TEST(Watchdog, AnIdleEngineIsWellForever) {
  FakeEngine engine;
  EngineStats stats = {};
  stats.idle = true;
  stats.heartbeat_us = 0;
  engine.SetStats(stats);
  Problems problems;
  {
    const Watchdog watchdog(engine, {.timeout_ms = 1, .check_every_ms = 1},
                            [&](const std::string& problem) { problems.Add(problem); });
    // When something waits, the same silence is a stall: so it has looked.
    stats.num_waiting = 1;
    engine.SetStats(stats);
    EXPECT_EQ(problems.WaitFor(1).size(), 1u);
  }
}

}  // namespace
}  // namespace weir
