// SPDX-License-Identifier: Apache-2.0
//
// What entering and leaving a parallel region costs, warm (workers spin) and cold (workers sleep).
#include <benchmark/benchmark.h>

#include "base/thread_pool.h"

namespace weir {
namespace {

// Arguments: threads, spin_us. With spin_us 0 every region wakes its workers from sleep.
void BM_EmptyRegion(benchmark::State& state) {
  ThreadPool pool({.num_threads = static_cast<int32_t>(state.range(0)),
                   .spin_us = static_cast<int32_t>(state.range(1))});
  const CallerPin pin(pool);
  for (auto _ : state) {
    pool.Run([](int32_t worker) { benchmark::DoNotOptimize(worker); });
  }
}
BENCHMARK(BM_EmptyRegion)
    ->ArgNames({"threads", "spin_us"})
    ->Args({1, 50})
    ->Args({2, 50})
    ->Args({2, 0})
    ->Args({4, 50})
    ->UseRealTime();

// As a decode step does: regions of some tens of microseconds of work with serial work between.
void BM_RegionsWithWork(benchmark::State& state) {
  ThreadPool pool({.num_threads = static_cast<int32_t>(state.range(0))});
  const CallerPin pin(pool);
  const auto work = [](int64_t rounds) {
    double x = 1.0;
    for (int64_t i = 0; i < rounds; ++i) benchmark::DoNotOptimize(x = x * 0.999 + 0.001);
  };
  for (auto _ : state) {
    work(200);
    pool.ForRanges(16384, 16, [&](int64_t begin, int64_t end, int32_t) { work(end - begin); });
  }
}
BENCHMARK(BM_RegionsWithWork)->ArgNames({"threads"})->Arg(1)->Arg(2)->UseRealTime();

}  // namespace
}  // namespace weir

BENCHMARK_MAIN();
