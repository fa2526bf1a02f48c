// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_serve_plot.h"

#include <cmath>
#include <fmt/format.h>

#include "cli/bench_plot_page.h"

namespace weir {
namespace {

using loadgen::Distribution;
using loadgen::Metric;
using loadgen::ServeOptions;
using loadgen::ServeResult;

std::string Number(double value) { return fmt::format("{:.2f}", value); }

void AddFacts(const ServeOptions& options, const ServeResult& result, HtmlPage& page) {
  const loadgen::Metrics& m = result.metrics;
  const double rate = options.traffic.request_rate;
  page.Facts(
      {{"Server", "http://" + options.form.server.Authority() + options.form.endpoint},
       {"Dataset", fmt::format("{}, seed {}", options.workload.dataset, options.workload.seed)},
       {"Request rate", std::isinf(rate) ? "all at once" : Number(rate) + " req/s"},
       {"Requests in flight at most",
        options.max_concurrency > 0 ? fmt::format("{}", options.max_concurrency) : "no limit"},
       {"Successful / failed", fmt::format("{} / {}", m.completed, m.failed)},
       {"Duration", Number(m.duration_s) + " s"},
       {"Requests", Number(m.request_throughput) + " req/s"},
       {"Output tokens", Number(m.output_throughput) + " tok/s"},
       {"All tokens", Number(m.total_token_throughput) + " tok/s"},
       {"Peak concurrency", fmt::format("{}", m.max_concurrent_requests)}});
}

void AddTable(const ServeOptions& options, const ServeResult& result, HtmlPage& page) {
  std::vector<std::vector<std::string>> rows = {{"ms", "mean", "median"}};
  for (const double percent : options.percentiles) rows[0].push_back(fmt::format("p{:g}", percent));
  rows[0].push_back("max");
  for (const loadgen::MetricName& name : loadgen::MetricNames()) {
    const Distribution& seconds = result.metrics.of(name.metric);
    if (seconds.size() == 0 || name.metric == Metric::kE2elWithQueue) continue;
    std::vector<std::string>& row = rows.emplace_back();
    row = {name.label, Number(1000 * seconds.mean()), Number(1000 * seconds.median())};
    for (const double percent : options.percentiles) {
      row.push_back(Number(1000 * seconds.Percentile(percent)));
    }
    row.push_back(Number(1000 * seconds.max()));
  }
  page.Table(rows);
}

void AddDistributions(const ServeResult& result, HtmlPage& page) {
  constexpr std::pair<Metric, const char*> kCharts[] = {
      {Metric::kTtft, "var(--b)"}, {Metric::kTpot, "var(--a)"}, {Metric::kItl, "var(--d)"}};
  for (const auto& [metric, color] : kCharts) {
    const Distribution& seconds = result.metrics.of(metric);
    if (seconds.size() == 0) continue;
    const loadgen::MetricName& name = loadgen::MetricNames()[static_cast<size_t>(metric)];
    page.Heading(name.heading);
    page.Figure(DistributionChart(seconds, name.heading, color),
                fmt::format("{} samples; the last bar holds all that is larger, up to {} ms",
                            seconds.size(), Number(1000 * seconds.max())));
  }
}

void AddRuns(std::span<const ServeResult> runs, HtmlPage& page) {
  if (runs.size() < 2) return;
  page.Heading("All runs");
  std::vector<std::vector<std::string>> rows = {
      {"run", "req/s", "out tok/s", "mean TTFT ms", "mean TPOT ms", "p99 ITL ms"}};
  for (size_t i = 0; i < runs.size(); ++i) {
    const loadgen::Metrics& m = runs[i].metrics;
    rows.push_back({fmt::format("{}", i + 1), Number(m.request_throughput),
                    Number(m.output_throughput), Number(1000 * m.of(Metric::kTtft).mean()),
                    Number(1000 * m.of(Metric::kTpot).mean()),
                    Number(1000 * m.of(Metric::kItl).Percentile(99))});
  }
  page.Table(rows);
  page.Paragraph("What follows is the last run.");
}

}  // namespace

std::string ServePlot(const ServeOptions& options, std::span<const ServeResult> runs) {
  const ServeResult& result = runs.back();
  HtmlPage page("weir bench serve: " + result.model_id);
  AddFacts(options, result, page);
  AddTable(options, result, page);
  for (const std::string& note : result.notes) page.Paragraph("Note: " + note);
  if (result.metrics.completed == 0) return page.Finish();
  AddRuns(runs, page);
  AddDistributions(result, page);
  page.Heading("Requests over time");
  page.Figure(TimelineChart(result.load.outcomes, result.load.begin_s),
              "Each row is a place; a request's bar is as long as it was in flight",
              {{"var(--b)", "to the first token"}, {"var(--a)", "decoding"}});
  page.Heading("Throughput over time");
  page.Figure(ThroughputChart(result), "Chunks of all requests, in 120 parts of the run");
  page.Heading("Inter-token latency by prefills at the same time");
  page.Figure(PrefillChart(result.load.outcomes),
              "Gaps between tokens, by how many other requests waited for their first token "
              "meanwhile",
              {{"var(--a)", "median"}, {"var(--d)", "99th percentile"}});
  return page.Finish();
}

}  // namespace weir
