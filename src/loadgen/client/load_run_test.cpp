// SPDX-License-Identifier: Apache-2.0
//
// Runs in scripted time: everything that is reported is exact.
#include "loadgen/client/load_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/client/scripted_network.h"
#include "loadgen/stats/metrics.h"

namespace weir::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<LoadRequest> Requests(std::vector<double> at_s) {
  std::vector<LoadRequest> requests;
  for (const double at : at_s) requests.push_back({.at_s = at, .wire = "x", .prompt_tokens = 3});
  return requests;
}

TEST(RunLoad, MetricsOfAScriptedRunAreExact) {
  // Three requests of 4 tokens, two at once at most: A at 0, B at 0.5, C waits from 0.75 for A.
  ScriptedNetwork network([](const std::string&, int) { return ScriptedAnswer(4, 0.5, 0.25); });
  const LoadResult run = RunLoad(Requests({0, 0.5, 0.75}), {.max_concurrency = 2}, network);
  ASSERT_EQ(run.outcomes.size(), 3u);
  EXPECT_EQ(run.begin_s, 100);
  EXPECT_EQ(run.outcomes[0].start_s, 100);
  EXPECT_EQ(run.outcomes[1].start_s, 100.5);
  EXPECT_EQ(run.outcomes[2].start_s, 101.25);
  EXPECT_EQ(run.outcomes[2].queue_s, 0.5);
  for (const RequestOutcome& outcome : run.outcomes) {
    EXPECT_TRUE(outcome.completed());
    EXPECT_EQ(outcome.ttft_s, 0.5);
    EXPECT_THAT(outcome.itls_s, ElementsAre(0.25, 0.25, 0.25));
    EXPECT_EQ(outcome.latency_s, 1.25);
  }
  EXPECT_EQ(run.duration_s, 2.5);
  const Metrics metrics = ComputeMetrics(run.outcomes, run.duration_s, {});
  EXPECT_EQ(metrics.request_throughput, 3 / 2.5);
  EXPECT_EQ(metrics.output_throughput, 12 / 2.5);
  EXPECT_EQ(metrics.total_token_throughput, (12 + 9) / 2.5);
  EXPECT_EQ(metrics.of(Metric::kTpot).mean(), 0.25);
  EXPECT_EQ(metrics.max_concurrent_requests, 2);
  EXPECT_EQ(metrics.max_output_tokens_per_s, 7);  // A's last two, B's four, C's first
  EXPECT_EQ(network.num_opened, 2) << "C takes A's connection";
  EXPECT_EQ(network.num_open(), 0u) << "and all are closed";
  EXPECT_FALSE(run.health.saturated());
}

TEST(RunLoad, AKeptConnectionThatDiesIsReplacedOnce) {
  ScriptedNetwork network([](const std::string&, int request) -> Script {
    if (request == 1) return {{0.25, "", true}};  // ended just as it was used again
    return ScriptedAnswer(1, 1, 0);
  });
  const LoadResult run = RunLoad(Requests({0, 2}), {}, network);
  EXPECT_TRUE(run.outcomes[1].completed()) << run.outcomes[1].error;
  EXPECT_EQ(run.outcomes[1].ttft_s, 1.25) << "the lost time counts";
  EXPECT_EQ(network.num_requests, 3);
}

TEST(RunLoad, AFreshConnectionThatDiesIsAFailure) {
  ScriptedNetwork network([](const std::string&, int) -> Script {
    return {{0.25, "", true, "refused"}};
  });
  const LoadResult run = RunLoad(Requests({0}), {}, network);
  EXPECT_TRUE(run.outcomes[0].failed());
  EXPECT_EQ(run.outcomes[0].error, "refused");
  EXPECT_EQ(network.num_requests, 1);
}

TEST(RunLoad, ATimeoutEndsOneRequest) {
  ScriptedNetwork network([](const std::string&, int request) {
    return request == 0 ? Script{{0.5, ScriptedHead()}} : ScriptedAnswer(1, 1, 0);
  });
  const LoadResult run = RunLoad(Requests({0, 0}), {.timeout_s = 5}, network);
  EXPECT_THAT(run.outcomes[0].error, HasSubstr("no end within the time"));
  EXPECT_TRUE(run.outcomes[1].completed());
  EXPECT_EQ(network.num_open(), 0u);
}

TEST(RunLoad, AServerThatForgetsTheLastChunkIsNotWaitedFor) {
  ScriptedNetwork network([](const std::string&, int) {
    Script script = ScriptedAnswer(2, 1, 1);
    script.back().bytes.resize(script.back().bytes.size() - 5);
    return script;
  });
  const LoadResult run = RunLoad(Requests({0}), {}, network);
  EXPECT_TRUE(run.outcomes[0].completed());
  EXPECT_EQ(run.duration_s, 2);
}

TEST(RunLoad, AnInterruptKeepsWhatWasMeasured) {
  ScriptedNetwork network([](const std::string&, int request) {
    return ScriptedAnswer(request == 0 ? 2 : 1000, 1, 1);
  });
  LoadOptions options{.max_concurrency = 2};
  options.interrupted = [&] { return network.Now() >= 105; };
  const LoadResult run = RunLoad(Requests({0, 0, 0, 50}), options, network);
  EXPECT_TRUE(run.interrupted);
  EXPECT_TRUE(run.outcomes[0].completed());
  EXPECT_EQ(run.outcomes[1].state, RequestState::kInterrupted);
  EXPECT_GE(run.outcomes[1].itls_s.size(), 3u);
  EXPECT_EQ(run.outcomes[3].state, RequestState::kNotSent);
  EXPECT_GE(run.duration_s, 5);
  EXPECT_EQ(network.num_open(), 0u);
}

TEST(RunLoad, TellsItsProgress) {
  ScriptedNetwork network([](const std::string&, int) { return ScriptedAnswer(3, 1, 1); });
  LoadProgress last;
  LoadOptions options;
  options.progress = [&](const LoadProgress& now) { last = now; };
  RunLoad(Requests({0, 1}), options, network);
  EXPECT_EQ(last.num_ended, 2);
  EXPECT_EQ(last.num_requests, 2);
  EXPECT_EQ(last.in_flight, 0);
}

TEST(RunLoad, OfNothingIsNothing) {
  ScriptedNetwork network([](const std::string&, int) { return Script{}; });
  EXPECT_TRUE(RunLoad({}, {}, network).outcomes.empty());
}

TEST(ClientHealth, TellsWhenTheClientIsTheLimit) {
  EXPECT_TRUE(ClientHealth{.cpu_share = 0.95}.saturated());
  EXPECT_TRUE(ClientHealth{.late_share = 0.02}.saturated());
  EXPECT_TRUE(ClientHealth{.max_send_lag_s = 0.2}.saturated());
  EXPECT_FALSE((ClientHealth{.cpu_share = 0.5, .late_share = 0.001}.saturated()));
}

}  // namespace
}  // namespace weir::loadgen
