// SPDX-License-Identifier: Apache-2.0
#include "cli/num_threads.h"

#include <cstdlib>
#include <gtest/gtest.h>

#include "base/cpu_set.h"

namespace weir {
namespace {

class NumThreads : public testing::Test {
 protected:
  void TearDown() override { ::unsetenv("WEIR_THREADS"); }
};

TEST_F(NumThreads, AnOptionGoesBeforeTheEnvironmentAndThatBeforeTheMachine) {
  ::unsetenv("WEIR_THREADS");
  EXPECT_EQ(AskedThreads(0).value(), 0);
  EXPECT_EQ(CountThreads(0).value(), FindUsableCpus().num_threads);
  ::setenv("WEIR_THREADS", "5", 1);
  EXPECT_EQ(AskedThreads(0).value(), 5);
  EXPECT_EQ(CountThreads(0).value(), 5);
  EXPECT_EQ(CountThreads(3).value(), 3);
}

TEST_F(NumThreads, WhatIsNoNumberOfThreadsIsRefused) {
  for (const char* wrong : {"many", "3 ", "3.5", "99999999999"}) {
    ::setenv("WEIR_THREADS", wrong, 1);
    const auto threads = CountThreads(0);
    ASSERT_FALSE(threads.has_value()) << wrong;
    EXPECT_EQ(threads.error().message,
              "WEIR_THREADS: found " + std::string(wrong) + ", wanted a number of threads");
  }
  ::setenv("WEIR_THREADS", "-1", 1);
  EXPECT_EQ(CountThreads(0).error().message, "threads: found -1, wanted 0 to 1024");
  EXPECT_FALSE(CountThreads(1025).has_value());
}

}  // namespace
}  // namespace weir
