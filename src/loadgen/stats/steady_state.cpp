// SPDX-License-Identifier: Apache-2.0
#include "loadgen/stats/steady_state.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace weir::loadgen {
namespace {

// Begins and ends in order of time; at equal times ends come first, so that requests that follow
// one another are never counted together.
std::vector<std::pair<double, int>> Events(std::span<const RequestOutcome> outcomes) {
  std::vector<std::pair<double, int>> events;
  for (const RequestOutcome& outcome : outcomes) {
    if (!outcome.completed()) continue;
    events.emplace_back(outcome.start_s, 1);
    events.emplace_back(outcome.start_s + outcome.latency_s, -1);
  }
  std::sort(events.begin(), events.end());
  return events;
}

// Sets begin, end and concurrency.
void FindWindow(const std::vector<std::pair<double, int>>& events, SteadyState& steady) {
  int64_t now = 0;
  int64_t peak = 0;
  for (const auto& [at, change] : events) peak = std::max(peak, now += change);
  steady.concurrency = static_cast<int64_t>(std::ceil(kSteadyPart * static_cast<double>(peak)));
  now = 0;
  bool begun = false;
  for (const auto& [at, change] : events) {
    const bool was_full = now >= steady.concurrency;
    now += change;
    if (!begun && now >= steady.concurrency) {
      steady.begin_s = at;
      begun = true;
    }
    if (was_full && now < steady.concurrency) steady.end_s = at;
  }
}

struct Samples {
  std::vector<double> ttft;
  std::vector<double> tpot;
  std::vector<double> itl;
};

// Returns how many of the request's chunks came inside.
int64_t Collect(const RequestOutcome& outcome, int64_t output_len, const SteadyState& steady,
                Samples& samples) {
  const auto inside = [&](double at) { return at >= steady.begin_s && at <= steady.end_s; };
  double at = outcome.start_s + outcome.ttft_s;
  int64_t num_chunks = inside(at);
  const bool first_inside = inside(at);
  if (inside(outcome.start_s) && first_inside) samples.ttft.push_back(outcome.ttft_s);
  for (const double itl : outcome.itls_s) {
    const double before = at;
    at += itl;
    num_chunks += inside(at);
    if (inside(before) && inside(at)) samples.itl.push_back(itl);
  }
  if (output_len > 1 && first_inside && inside(outcome.start_s + outcome.latency_s)) {
    samples.tpot.push_back((outcome.latency_s - outcome.ttft_s) /
                           static_cast<double>(output_len - 1));
  }
  return num_chunks;
}

}  // namespace

std::optional<SteadyState> FindSteadyState(std::span<const RequestOutcome> outcomes,
                                           std::span<const int64_t> output_lens) {
  SteadyState steady;
  FindWindow(Events(outcomes), steady);
  if (steady.concurrency == 0 || steady.end_s <= steady.begin_s) return std::nullopt;
  Samples samples;
  double num_tokens = 0;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    const RequestOutcome& outcome = outcomes[i];
    if (!outcome.completed()) continue;
    const double end_s = outcome.start_s + outcome.latency_s;
    steady.num_ended += end_s > steady.begin_s && end_s <= steady.end_s;
    const int64_t inside = Collect(outcome, output_lens[i], steady, samples);
    const auto num_chunks = static_cast<double>(outcome.itls_s.size() + 1);
    num_tokens += static_cast<double>(inside) * static_cast<double>(output_lens[i]) / num_chunks;
  }
  const double length_s = steady.end_s - steady.begin_s;
  steady.output_throughput = num_tokens / length_s;
  steady.request_throughput = static_cast<double>(steady.num_ended) / length_s;
  steady.ttft_s = Distribution(std::move(samples.ttft));
  steady.tpot_s = Distribution(std::move(samples.tpot));
  steady.itl_s = Distribution(std::move(samples.itl));
  return steady;
}

}  // namespace weir::loadgen
