// SPDX-License-Identifier: Apache-2.0
#include "loadgen/stats/metrics.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weir::loadgen {
namespace {

constexpr MetricName kNames[] = {
    {Metric::kTtft, "ttft", "TTFT", "Time to First Token"},
    {Metric::kTpot, "tpot", "TPOT", "Time per Output Token (excl. 1st token)"},
    {Metric::kItl, "itl", "ITL", "Inter-token Latency"},
    {Metric::kE2el, "e2el", "E2EL", "End-to-end Latency"},
    {Metric::kQueue, "client_queue_time", "Client Queue Time", "Client-side Queueing"},
    {Metric::kE2elWithQueue, "e2el_including_client_queue", "E2EL incl. Client Queue",
     "Queue-inclusive End-to-end Latency"},
};

int64_t OutputLength(const RequestOutcome& outcome, const MetricsOptions& options) {
  if (outcome.output_tokens.value_or(0) > 0) return *outcome.output_tokens;
  if (options.count_tokens) return options.count_tokens(outcome.text);
  return static_cast<int64_t>(outcome.itls_s.size()) + 1;
}

bool Keeps(const std::optional<double>& limit_ms, double seconds) {
  return !limit_ms || *limit_ms / 1000 >= seconds;
}

// Collects the samples of all requests in their order.
struct Samples {
  std::array<std::vector<double>, 6> seconds;
  int64_t good = 0;

  void Add(Metric metric, double value) { seconds[static_cast<size_t>(metric)].push_back(value); }

  void Add(const RequestOutcome& outcome, int64_t output_len, const Slo& slo) {
    double tpot = 0;  // a request of one token has none, and keeps every limit of it
    if (output_len > 1) {
      tpot = (outcome.latency_s - outcome.ttft_s) / static_cast<double>(output_len - 1);
      Add(Metric::kTpot, tpot);
    }
    for (const double itl : outcome.itls_s) Add(Metric::kItl, itl);
    Add(Metric::kTtft, outcome.ttft_s);
    Add(Metric::kE2el, outcome.latency_s);
    Add(Metric::kQueue, outcome.queue_s);
    Add(Metric::kE2elWithQueue, outcome.latency_s + outcome.queue_s);
    good += Keeps(slo.ttft_ms, outcome.ttft_s) && Keeps(slo.tpot_ms, tpot) &&
            Keeps(slo.e2el_ms, outcome.latency_s);
  }
};

double FirstStart(std::span<const RequestOutcome> outcomes) {
  double first = HUGE_VAL;
  for (const RequestOutcome& outcome : outcomes) {
    if (outcome.completed()) first = std::min(first, outcome.start_s);
  }
  return first;
}

double PeakChunksPerSecond(std::span<const RequestOutcome> outcomes) {
  const double first = FirstStart(outcomes);
  std::vector<int64_t> seconds;
  const auto count = [&](double at) {
    const auto second = static_cast<size_t>(std::max(0.0, at - first));
    if (second >= seconds.size()) seconds.resize(second + 1);
    ++seconds[second];
  };
  for (const RequestOutcome& outcome : outcomes) {
    if (!outcome.completed()) continue;
    double at = outcome.start_s + outcome.ttft_s;
    count(at);
    for (const double itl : outcome.itls_s) count(at += itl);
  }
  return seconds.empty() ? 0
                         : static_cast<double>(*std::max_element(seconds.begin(), seconds.end()));
}

int64_t PeakConcurrency(std::span<const RequestOutcome> outcomes) {
  std::vector<std::pair<double, double>> intervals;
  for (const RequestOutcome& outcome : outcomes) {
    if (!outcome.completed()) continue;
    intervals.emplace_back(outcome.start_s, outcome.start_s + outcome.latency_s);
  }
  return PeakOverlap(intervals);
}

}  // namespace

std::span<const MetricName> MetricNames() { return kNames; }

const MetricName* FindMetric(std::string_view key) {
  for (const MetricName& name : kNames) {
    if (name.key == key) return &name;
  }
  return nullptr;
}

int64_t PeakOverlap(std::span<const std::pair<double, double>> intervals) {
  std::vector<std::pair<double, int>> events;  // at equal times an end comes before a begin
  for (const auto& [begin, end] : intervals) {
    events.emplace_back(begin, 1);
    events.emplace_back(end, -1);
  }
  std::sort(events.begin(), events.end());
  int64_t now = 0;
  int64_t peak = 0;
  for (const auto& [at, change] : events) {
    now += change;
    peak = std::max(peak, now);
  }
  return peak;
}

Metrics ComputeMetrics(std::span<const RequestOutcome> outcomes, double duration_s,
                       const MetricsOptions& options) {
  Metrics metrics{.duration_s = duration_s};
  Samples samples;
  for (const RequestOutcome& outcome : outcomes) {
    metrics.failed += outcome.failed();
    metrics.interrupted += outcome.state == RequestState::kInterrupted;
    metrics.output_lens.push_back(0);
    if (!outcome.completed()) continue;
    const int64_t output_len = OutputLength(outcome, options);
    metrics.output_lens.back() = output_len;
    metrics.num_uncounted += outcome.output_tokens.value_or(0) <= 0;
    metrics.total_input += outcome.prompt_tokens;
    metrics.total_output += output_len;
    ++metrics.completed;
    samples.Add(outcome, output_len, options.slo);
  }
  const auto per_second = [&](int64_t count) {
    return duration_s > 0 ? static_cast<double>(count) / duration_s : 0;
  };
  metrics.request_throughput = per_second(metrics.completed);
  if (options.slo.any()) metrics.request_goodput = per_second(samples.good);
  metrics.output_throughput = per_second(metrics.total_output);
  metrics.total_token_throughput = per_second(metrics.total_input + metrics.total_output);
  metrics.max_output_tokens_per_s = PeakChunksPerSecond(outcomes);
  metrics.max_concurrent_requests = PeakConcurrency(outcomes);
  for (size_t i = 0; i < samples.seconds.size(); ++i) {
    metrics.seconds[i] = Distribution(std::move(samples.seconds[i]));
  }
  return metrics;
}

}  // namespace weir::loadgen
