// SPDX-License-Identifier: Apache-2.0
#include "tensor/memory_probe.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <vector>

#include "base/clock.h"
#include "base/thread_pool.h"

namespace weir {
namespace {

constexpr int64_t kLanes = 8;  // one cache line; the sums do not wait for each other

uint64_t Sum(const uint64_t* words, int64_t count) {
  std::array<uint64_t, kLanes> sums = {};
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int64_t lane = 0; lane < kLanes; ++lane)
      sums[static_cast<size_t>(lane)] += words[i + lane];
  }
  uint64_t sum = 0;
  for (const uint64_t lane : sums) sum += lane;
  for (; i < count; ++i) sum += words[i];
  return sum;
}

}  // namespace

ReadProbe ProbeRead(ThreadPool& pool, std::span<const uint64_t> words, double seconds) {
  constexpr size_t kFewestPasses = 3;
  std::vector<double> pass_seconds;
  std::atomic<uint64_t> sum{0};
  const double begin = NowSeconds();
  while (pass_seconds.size() < kFewestPasses || NowSeconds() - begin < seconds) {
    sum.store(0, std::memory_order_relaxed);
    const double start = NowSeconds();
    pool.ForRanges(static_cast<int64_t>(words.size()), kLanes,
                   [&](int64_t first, int64_t last, int32_t) {
                     sum.fetch_add(Sum(words.data() + first, last - first));
                   });
    pass_seconds.push_back(NowSeconds() - start);
  }
  const auto middle = pass_seconds.begin() + static_cast<int64_t>(pass_seconds.size() / 2);
  std::nth_element(pass_seconds.begin(), middle, pass_seconds.end());
  // A clock that does not advance over a tiny span must not give infinity.
  const double median = std::max(*middle, 1e-9);
  return {static_cast<double>(words.size_bytes()) / median, sum.load(),
          static_cast<int32_t>(pass_seconds.size())};
}

}  // namespace weir
