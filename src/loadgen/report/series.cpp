// SPDX-License-Identifier: Apache-2.0
#include "loadgen/report/series.h"

#include <algorithm>
#include <functional>
#include <queue>
#include <utility>

namespace weir::loadgen {

std::vector<Gap> GapsOf(std::span<const RequestOutcome> outcomes) {
  std::vector<Gap> gaps;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (!outcomes[i].completed()) continue;
    double at = outcomes[i].start_s + outcomes[i].ttft_s;
    for (const double itl : outcomes[i].itls_s) {
      gaps.push_back({{at, at + itl}, i});
      at += itl;
    }
  }
  return gaps;
}

std::vector<Span> PrefillsOf(std::span<const RequestOutcome> outcomes) {
  std::vector<Span> prefills;
  for (const RequestOutcome& outcome : outcomes) {
    if (!outcome.completed()) continue;
    prefills.push_back({outcome.start_s, outcome.start_s + outcome.ttft_s});
  }
  return prefills;
}

OverlapCounter::OverlapCounter(std::span<const Span> spans) {
  for (const Span& span : spans) {
    begins_.push_back(span.begin_s);
    ends_.push_back(span.end_s);
  }
  std::sort(begins_.begin(), begins_.end());
  std::sort(ends_.begin(), ends_.end());
}

int64_t OverlapCounter::Count(const Span& span) const {
  const auto begun = std::lower_bound(begins_.begin(), begins_.end(), span.end_s);
  const auto ended = std::upper_bound(ends_.begin(), ends_.end(), span.begin_s);
  return std::max<int64_t>((begun - begins_.begin()) - (ended - ends_.begin()), 0);
}

std::vector<double> ChunkTimes(std::span<const RequestOutcome> outcomes) {
  std::vector<double> times;
  for (const RequestOutcome& outcome : outcomes) {
    if (!outcome.completed()) continue;
    times.push_back(outcome.start_s + outcome.ttft_s);
    for (const double itl : outcome.itls_s) times.push_back(times.back() + itl);
  }
  return times;
}

std::vector<double> RatesOver(std::span<const double> at_s, const Span& window,
                              size_t num_buckets) {
  std::vector<double> rates(num_buckets, 0.0);
  const double length_s = window.length_s() / static_cast<double>(num_buckets);
  if (num_buckets == 0 || length_s <= 0) return rates;
  for (const double at : at_s) {
    if (at < window.begin_s || at > window.end_s) continue;
    const auto bucket = static_cast<size_t>((at - window.begin_s) / length_s);
    rates[std::min(bucket, num_buckets - 1)] += 1 / length_s;
  }
  return rates;
}

std::vector<size_t> PackRows(std::span<const Span> spans) {
  using Busy = std::pair<double, size_t>;  // until when, which row
  std::priority_queue<Busy, std::vector<Busy>, std::greater<>> busy;
  std::priority_queue<size_t, std::vector<size_t>, std::greater<>> free_rows;
  std::vector<size_t> rows;
  size_t num_rows = 0;
  for (const Span& span : spans) {
    while (!busy.empty() && busy.top().first <= span.begin_s) {
      free_rows.push(busy.top().second);
      busy.pop();
    }
    if (free_rows.empty()) free_rows.push(num_rows++);
    rows.push_back(free_rows.top());
    free_rows.pop();
    busy.emplace(span.end_s, rows.back());
  }
  return rows;
}

}  // namespace weir::loadgen
