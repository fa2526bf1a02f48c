// SPDX-License-Identifier: Apache-2.0
#include "base/thread_pool.h"

#include <algorithm>
#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <thread>
#include <tuple>

#include "base/cpu_set.h"

namespace weir {
namespace {

using ::testing::ElementsAre;

struct Range {
  int64_t begin;
  int64_t end;
  int32_t worker;
  friend bool operator==(const Range&, const Range&) = default;
};

std::vector<Range> RangesOf(ThreadPool& pool, int64_t n, int64_t grain) {
  std::vector<Range> of_worker(static_cast<size_t>(pool.num_threads()), Range{0, 0, -1});
  pool.ForRanges(n, grain, [&](int64_t begin, int64_t end, int32_t worker) {
    Range& mine = of_worker[static_cast<size_t>(worker)];
    EXPECT_EQ(mine.worker, -1) << "two ranges for one worker";
    mine = {begin, end, worker};
  });
  std::erase_if(of_worker, [](const Range& range) { return range.worker < 0; });
  return of_worker;
}

// Threads, spin_us: inline; a pair; more threads than this machine is likely to give; asleep at
// once, and never asleep.
class ThreadPoolOf : public ::testing::TestWithParam<std::tuple<int32_t, int32_t>> {
 protected:
  ThreadPool pool_{{.num_threads = std::get<0>(GetParam()), .spin_us = std::get<1>(GetParam())}};
};

TEST_P(ThreadPoolOf, RunsEveryWorkerOnce) {
  std::vector<int> calls(static_cast<size_t>(pool_.num_threads()), 0);
  for (int region = 0; region < 200; ++region) {
    pool_.Run([&](int32_t worker) { ++calls[static_cast<size_t>(worker)]; });
  }
  EXPECT_THAT(calls, ::testing::Each(200));
}

// What a region wrote is seen by the caller and by the next region without any atomics: TSan and
// the sum both object when an edge between regions is missing.
TEST_P(ThreadPoolOf, RegionsAreOrdered) {
  std::vector<int64_t> numbers(64, 0);
  constexpr int kRegions = 20000;
  for (int region = 0; region < kRegions; ++region) {
    pool_.ForRanges(64, 1, [&](int64_t begin, int64_t end, int32_t) {
      // Moves every number one place, so each region reads what other workers wrote before.
      for (int64_t i = begin; i < end; ++i) ++numbers[static_cast<size_t>((i + region) % 64)];
    });
  }
  EXPECT_THAT(numbers, ::testing::Each(kRegions));
}

TEST_P(ThreadPoolOf, ItemsAreTakenOnceEach) {
  for (const int64_t n : {0, 1, 2, 7, 1000}) {
    std::vector<int> taken(static_cast<size_t>(n), 0);
    pool_.ForItems(n, [&](int64_t item, int32_t worker) {
      ++taken[static_cast<size_t>(item)];
      EXPECT_GE(worker, 0);
      EXPECT_LT(worker, pool_.num_threads());
    });
    EXPECT_THAT(taken, ::testing::Each(1)) << n;
  }
}

TEST_P(ThreadPoolOf, ItemsOfOneWorkerAscend) {
  std::vector<int64_t> last(static_cast<size_t>(pool_.num_threads()), -1);
  pool_.ForItems(5000, [&](int64_t item, int32_t worker) {
    EXPECT_GT(item, last[static_cast<size_t>(worker)]);
    last[static_cast<size_t>(worker)] = item;
  });
}

TEST_P(ThreadPoolOf, RangesCoverAndKeepTheGrain) {
  for (const int64_t grain : {1, 3, 16, 1000}) {
    for (const int64_t n : {1, 2, 15, 16, 17, 31, 33, 999, 4096}) {
      const std::vector<Range> ranges = RangesOf(pool_, n, grain);
      ASSERT_FALSE(ranges.empty());
      EXPECT_EQ(ranges.front().begin, 0);
      EXPECT_EQ(ranges.back().end, n);
      for (size_t i = 0; i < ranges.size(); ++i) {
        EXPECT_LT(ranges[i].begin, ranges[i].end);
        EXPECT_EQ(ranges[i].begin % grain, 0);
        if (i > 0) {
          EXPECT_EQ(ranges[i].begin, ranges[i - 1].end);
        }
      }
      EXPECT_EQ(RangesOf(pool_, n, grain), ranges) << "the cut is not a function of its input";
    }
  }
}

// Sizes of the ranges differ by one grain at most, so that no worker waits long for another.
TEST_P(ThreadPoolOf, RangesAreEven) {
  int64_t least = std::numeric_limits<int64_t>::max();
  int64_t most = 0;
  for (const Range& range : RangesOf(pool_, 1000 * 16, 16)) {
    least = std::min(least, range.end - range.begin);
    most = std::max(most, range.end - range.begin);
  }
  EXPECT_LE(most - least, 16);
}

TEST_P(ThreadPoolOf, NothingToDoCallsNobody) {
  bool called = false;
  pool_.ForRanges(0, 4, [&](int64_t, int64_t, int32_t) { called = true; });
  pool_.ForRanges(-5, 4, [&](int64_t, int64_t, int32_t) { called = true; });
  pool_.ForItems(0, [&](int64_t, int32_t) { called = true; });
  pool_.ForItems(-1, [&](int64_t, int32_t) { called = true; });
  EXPECT_FALSE(called);
}

// The largest n there is: edges must not wrap on the way.
TEST_P(ThreadPoolOf, HugeRangesDoNotOverflow) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  for (const int64_t grain : {int64_t{1}, int64_t{1000}, kMost}) {
    const std::vector<Range> ranges = RangesOf(pool_, kMost, grain);
    EXPECT_EQ(ranges.front().begin, 0);
    EXPECT_EQ(ranges.back().end, kMost);
    for (const Range& range : ranges) {
      EXPECT_LT(range.begin, range.end);
    }
  }
}

// One worker holds the region open until all others have finished theirs: the caller has to wait,
// asleep or spinning, for the slowest, whoever that is.
TEST_P(ThreadPoolOf, WaitsForTheSlowest) {
  const int32_t n = pool_.num_threads();
  for (int32_t slow = 0; slow < n; ++slow) {
    std::atomic<int32_t> finished{0};
    pool_.Run([&](int32_t worker) {
      while (worker == slow && finished.load() < n - 1) std::this_thread::yield();
      finished.fetch_add(1);
    });
    EXPECT_EQ(finished.load(), n);
  }
}

// As an engine that is replaced: the pool passes to another thread, one after the other.
TEST_P(ThreadPoolOf, TheCallerMayChange) {
  int64_t sum = 0;
  const auto add = [&] {
    pool_.ForItems(100, [&](int64_t, int32_t) {});
    pool_.ForRanges(1, 1, [&](int64_t, int64_t, int32_t) { ++sum; });
  };
  for (int i = 0; i < 20; ++i) std::thread(add).join();
  EXPECT_EQ(sum, 20);
}

INSTANTIATE_TEST_SUITE_P(Sizes, ThreadPoolOf,
                         ::testing::Values(std::tuple{1, 50}, std::tuple{2, 50}, std::tuple{2, 0},
                                           std::tuple{2, 1000}, std::tuple{3, 50},
                                           std::tuple{9, 50}));

// Ends pools whose workers have just started, spin, sleep or have just finished a region.
TEST(ThreadPool, EndsInAnyState) {
  for (const int32_t spin_us : {0, 5, 100000}) {
    for (int i = 0; i < 100; ++i) {
      ThreadPool pool({.num_threads = 1 + i % 4, .spin_us = spin_us});
      for (int region = 0; region < i % 3; ++region) {
        pool.Run([](int32_t) {});
      }
    }
  }
}

TEST(ThreadPool, TheCutIsWrittenDown) {
  ThreadPool pool({.num_threads = 3});
  EXPECT_THAT(RangesOf(pool, 100, 16),  // 7 units: 3, 2 and 2
              ElementsAre(Range{0, 48, 0}, Range{48, 80, 1}, Range{80, 100, 2}));
  EXPECT_THAT(RangesOf(pool, 20, 16), ElementsAre(Range{0, 16, 0}, Range{16, 20, 1}));
  EXPECT_THAT(RangesOf(pool, 16, 16), ElementsAre(Range{0, 16, 0}));
}

TEST(ThreadPool, DefaultsToTheUsableCpus) {
  const ThreadPool pool({});
  EXPECT_EQ(pool.num_threads(), FindUsableCpus().num_threads);
}

TEST(ThreadPool, BindsWorkersOnlyWhenItTakesEveryCpu) {
  const std::vector<int32_t> cpus = CurrentThreadCpus();
  const auto all = static_cast<int32_t>(cpus.size());
  EXPECT_FALSE(ThreadPool({.num_threads = all, .pin = false}).pinned());
  EXPECT_FALSE(ThreadPool({.num_threads = all + 1}).pinned());
  if (all > 1) {
    EXPECT_FALSE(ThreadPool({.num_threads = all - 1}).pinned());
  }

  ThreadPool pool({.num_threads = all});
  ASSERT_TRUE(pool.pinned());
  std::vector<std::vector<int32_t>> seen(cpus.size());
  pool.Run([&](int32_t w) { seen[static_cast<size_t>(w)] = CurrentThreadCpus(); });
  EXPECT_EQ(seen[0], cpus) << "the caller's thread is left alone";
  for (size_t w = 1; w < cpus.size(); ++w) {
    EXPECT_THAT(seen[w], ElementsAre(cpus[w]));
  }
}

TEST(CallerPin, BindsTheCallerAndGivesBack) {
  const std::vector<int32_t> before = CurrentThreadCpus();
  const ThreadPool pool({.num_threads = static_cast<int32_t>(before.size())});
  {
    const CallerPin pin(pool);
    EXPECT_THAT(CurrentThreadCpus(), ElementsAre(before.front()));
  }
  EXPECT_EQ(CurrentThreadCpus(), before);
  const ThreadPool unbound({.num_threads = 2, .pin = false});
  const CallerPin nothing(unbound);
  EXPECT_EQ(CurrentThreadCpus(), before);
}

class ThreadPoolDeathTest : public ::testing::Test {
 protected:
  void SetUp() override { ::testing::GTEST_FLAG(death_test_style) = "threadsafe"; }
};

TEST_F(ThreadPoolDeathTest, NestedCallsAreABug) {
  for (const int32_t n : {1, 2}) {
    EXPECT_DEATH(
        {
          ThreadPool pool({.num_threads = n});
          pool.Run([&](int32_t worker) {
            if (worker == n - 1) pool.Run([](int32_t) {});
          });
        },
        "nested");
  }
}

TEST_F(ThreadPoolDeathTest, NonsenseOptionsAreABug) {
  EXPECT_DEATH(ThreadPool({.num_threads = -1}), "num_threads");
  EXPECT_DEATH(ThreadPool({.num_threads = 1}).ForRanges(1, 0, [](int64_t, int64_t, int32_t) {}),
               "grain");
}

}  // namespace
}  // namespace weir
