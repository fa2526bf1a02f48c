// SPDX-License-Identifier: Apache-2.0
//
// Field by field against vLLM's published definitions as tests/loadgen/vllm_metrics.py implements
// them, on recorded timestamps.
#include "loadgen/stats/metrics.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "loadgen/recorded_data.h"

namespace weir::loadgen {
namespace {

RequestOutcome OutcomeOf(const Json& request) {
  RequestOutcome outcome{
      .state = request["success"] ? RequestState::kCompleted : RequestState::kFailed,
      .start_s = request["start_time"].get<double>(),
      .queue_s = request["queue_time"].get<double>(),
      .ttft_s = request["ttft"].get<double>(),
      .latency_s = request["latency"].get<double>(),
      .itls_s = request["itl"].get<std::vector<double>>(),
      .prompt_tokens = request["prompt_len"].get<int64_t>()};
  outcome.output_tokens = request["output_tokens"].get<int64_t>();
  return outcome;
}

std::optional<double> Limit(const Json& limits, const char* name) {
  if (!limits.contains(name)) return std::nullopt;
  return limits[name].get<double>();
}

Json FiguresOf(const Metrics& metrics, const Json& percents) {
  Json figures = {{"duration", metrics.duration_s},
                  {"completed", metrics.completed},
                  {"failed", metrics.failed},
                  {"total_input_tokens", metrics.total_input},
                  {"total_output_tokens", metrics.total_output},
                  {"request_throughput", metrics.request_throughput},
                  {"request_goodput", nullptr},
                  {"output_throughput", metrics.output_throughput},
                  {"total_token_throughput", metrics.total_token_throughput},
                  {"max_output_tokens_per_s", metrics.max_output_tokens_per_s},
                  {"max_concurrent_requests", metrics.max_concurrent_requests}};
  if (metrics.request_goodput) figures["request_goodput"] = *metrics.request_goodput;
  for (const MetricName& name : MetricNames()) {
    const Distribution& seconds = metrics.of(name.metric);
    figures[fmt::format("mean_{}_ms", name.key)] = 1000 * seconds.mean();
    figures[fmt::format("median_{}_ms", name.key)] = 1000 * seconds.median();
    figures[fmt::format("std_{}_ms", name.key)] = 1000 * seconds.std();
    for (const Json& percent : percents) {
      figures[fmt::format("p{}_{}_ms", percent.dump(), name.key)] =
          1000 * seconds.Percentile(percent.get<double>());
    }
  }
  return figures;
}

TEST(ComputeMetrics, AgreesWithVllmsDefinitions) {
  const Json data = RecordedData("metrics.json");
  ASSERT_EQ(data["recordings"].size(), 7u);
  for (const Json& recording : data["recordings"]) {
    SCOPED_TRACE(recording["name"].get<std::string>());
    std::vector<RequestOutcome> outcomes;
    for (const Json& request : recording["requests"]) outcomes.push_back(OutcomeOf(request));
    const Json& limits = recording["goodput"];
    const MetricsOptions options{.slo = {.ttft_ms = Limit(limits, "ttft"),
                                         .tpot_ms = Limit(limits, "tpot"),
                                         .e2el_ms = Limit(limits, "e2el")}};
    const Json figures =
        FiguresOf(ComputeMetrics(outcomes, recording["duration"].get<double>(), options),
                  recording["percentiles"]);
    ASSERT_EQ(figures.size(), recording["figures"].size());
    for (const auto& [name, wanted] : recording["figures"].items()) {
      ASSERT_TRUE(figures.contains(name)) << name;
      if (wanted.is_null()) {
        EXPECT_TRUE(figures[name].is_null()) << name;
        continue;
      }
      // Sums are made in another order there.
      const double value = wanted.get<double>();
      EXPECT_NEAR(figures[name].get<double>(), value, 1e-11 * std::abs(value) + 1e-12) << name;
    }
  }
}

RequestOutcome Completed(std::vector<double> itls_s) {
  RequestOutcome outcome{.state = RequestState::kCompleted, .ttft_s = 0.5};
  outcome.itls_s = std::move(itls_s);
  outcome.latency_s = 0.5;
  for (const double itl : outcome.itls_s) outcome.latency_s += itl;
  return outcome;
}

TEST(ComputeMetrics, ALengthThatTheServerDoesNotTell) {
  RequestOutcome outcome = Completed({0.5, 1.0});
  outcome.text = "a b c d";
  EXPECT_EQ(ComputeMetrics(std::vector{outcome}, 1, {}).total_output, 3) << "chunks";
  const MetricsOptions words{.count_tokens = [](std::string_view text) {
    return static_cast<int64_t>(text.size() + 1) / 2;
  }};
  const Metrics counted = ComputeMetrics(std::vector{outcome}, 1, words);
  EXPECT_EQ(counted.total_output, 4);
  EXPECT_EQ(counted.num_uncounted, 1);
  EXPECT_DOUBLE_EQ(counted.of(Metric::kTpot).mean(), 1.5 / 3);
  outcome.output_tokens = 6;
  EXPECT_EQ(ComputeMetrics(std::vector{outcome}, 1, words).total_output, 6);
}

TEST(ComputeMetrics, WhatDidNotEndCountsNowhere) {
  RequestOutcome cut = Completed({1.0});
  cut.state = RequestState::kInterrupted;
  RequestOutcome unsent;
  const Metrics metrics = ComputeMetrics(std::vector{cut, unsent, Completed({1.0})}, 2, {});
  EXPECT_EQ(metrics.completed, 1);
  EXPECT_EQ(metrics.failed, 0);
  EXPECT_EQ(metrics.interrupted, 1);
  EXPECT_EQ(metrics.of(Metric::kTtft).size(), 1u);
}

TEST(ComputeMetrics, ARunWithoutTimeHasNoThroughput) {
  EXPECT_EQ(ComputeMetrics({}, 0, {}).request_throughput, 0);
}

TEST(PeakOverlap, EndsComeBeforeBegins) {
  using Intervals = std::vector<std::pair<double, double>>;
  EXPECT_EQ(PeakOverlap(Intervals{}), 0);
  EXPECT_EQ(PeakOverlap(Intervals{{0, 1}, {1, 2}}), 1);
  EXPECT_EQ(PeakOverlap(Intervals{{0, 2}, {1, 3}, {1.5, 1.6}}), 3);
}

}  // namespace
}  // namespace weir::loadgen
