// SPDX-License-Identifier: Apache-2.0
#include "tensor/memory_probe.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

#include "base/thread_pool.h"

namespace weir {
namespace {

TEST(ProbeRead, ReadsEveryWordOnce) {
  for (const int32_t num_threads : {1, 3}) {
    ThreadPool pool({.num_threads = num_threads});
    for (const size_t n : {1u, 7u, 8u, 9u, 1000u, 100003u}) {
      std::vector<uint64_t> words(n);
      std::iota(words.begin(), words.end(), uint64_t{1});
      const ReadProbe probe = ProbeRead(pool, words, /*seconds=*/0.0);
      EXPECT_EQ(probe.sum, n * (n + 1) / 2);
      EXPECT_EQ(probe.num_passes, 3);
      EXPECT_GT(probe.bytes_per_second, 0.0);
      EXPECT_TRUE(std::isfinite(probe.bytes_per_second));
    }
  }
}

TEST(ProbeRead, NothingIsReadAtNoSpeed) {
  ThreadPool pool({.num_threads = 2});
  const ReadProbe probe = ProbeRead(pool, {}, 0.0);
  EXPECT_EQ(probe.sum, 0u);
  EXPECT_EQ(probe.bytes_per_second, 0.0);
}

}  // namespace
}  // namespace weir
