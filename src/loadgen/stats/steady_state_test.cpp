// SPDX-License-Identifier: Apache-2.0
#include "loadgen/stats/steady_state.h"

#include <gtest/gtest.h>

namespace weir::loadgen {
namespace {

// First chunk 1 s after the start, then one per second.
RequestOutcome Request(double start_s, int num_chunks) {
  return {.state = RequestState::kCompleted,
          .start_s = start_s,
          .ttft_s = 1,
          .latency_s = static_cast<double>(num_chunks),
          .itls_s = std::vector<double>(static_cast<size_t>(num_chunks - 1), 1.0)};
}

//   0 1 2 3 4 5 6 7 8
//   AAAAAAAAAAA         0..6
//     BBBBBBBBBBBBB     1..8     two in flight from 1 to 8, with a dip at 6 that has no length
//               CCCC    6..8
//   and D alone, later
TEST(FindSteadyState, IsWhereTheLoadIsFull) {
  const std::vector<RequestOutcome> outcomes = {Request(0, 6), Request(1, 7), Request(6, 2),
                                                Request(20, 3)};
  const std::vector<int64_t> lens = {6, 14, 2, 3};  // B's chunks hold two tokens each
  const auto steady = FindSteadyState(outcomes, lens);
  ASSERT_TRUE(steady.has_value());
  EXPECT_EQ(steady->concurrency, 2);
  EXPECT_EQ(steady->begin_s, 1);
  EXPECT_EQ(steady->end_s, 8);
  EXPECT_EQ(steady->num_ended, 3);
  // A: chunks at 1..6; B: 2..8, two tokens each; C: 7 and 8.
  EXPECT_DOUBLE_EQ(steady->output_throughput, (6 + 7 * 2 + 2) / 7.0);
  EXPECT_DOUBLE_EQ(steady->request_throughput, 3 / 7.0);
  EXPECT_EQ(steady->ttft_s.size(), 2u);  // B and C started inside
  EXPECT_EQ(steady->tpot_s.size(), 3u);  // all three have first and last chunk inside
  EXPECT_EQ(steady->itl_s.size(), 5u + 6u + 1u);
}

TEST(FindSteadyState, ADipInsideBelongsToIt) {
  const std::vector<RequestOutcome> outcomes = {Request(0, 4), Request(0, 8), Request(5, 3)};
  const auto steady = FindSteadyState(outcomes, std::vector<int64_t>{4, 8, 3});
  EXPECT_EQ(steady->begin_s, 0);
  EXPECT_EQ(steady->end_s, 8);  // one in flight from 4 to 5
}

TEST(FindSteadyState, NeedsSomethingToLookAt) {
  EXPECT_FALSE(FindSteadyState({}, {}).has_value());
  RequestOutcome failed = Request(0, 5);
  failed.state = RequestState::kFailed;
  EXPECT_FALSE(FindSteadyState(std::vector{failed}, std::vector<int64_t>{0}).has_value());
  RequestOutcome instant = Request(3, 1);
  instant.latency_s = 0;
  EXPECT_FALSE(FindSteadyState(std::vector{instant}, std::vector<int64_t>{1}).has_value());
}

}  // namespace
}  // namespace weir::loadgen
