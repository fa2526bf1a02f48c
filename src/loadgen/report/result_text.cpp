// SPDX-License-Identifier: Apache-2.0
#include "loadgen/report/result_text.h"

#include <cmath>
#include <fmt/format.h>

#include "loadgen/report/python_text.h"

namespace weir::loadgen {
namespace {

constexpr int64_t kMaxErrors = 10;
constexpr size_t kWidth = 50;

class Table {
 public:
  void Heading(std::string_view text, char fill) {
    const size_t pad = text.size() < kWidth ? kWidth - text.size() : 0;
    out_.append(pad / 2, fill).append(text).append(pad - pad / 2, fill) += '\n';
  }
  void Row(std::string_view label, int64_t value) {
    fmt::format_to(std::back_inserter(out_), "{:<40} {:<10}\n", label, value);
  }
  void Row(std::string_view label, double value) {
    fmt::format_to(std::back_inserter(out_), "{:<40} {:<10.2f}\n", label, value);
  }
  void Line(std::string_view text) { out_ += fmt::format("{}\n", text); }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

void AddErrors(const ServeResult& result, Table& table) {
  if (result.metrics.failed == 0) return;
  table.Line("Failed requests during benchmark run detected (capping to 10):");
  int64_t shown = 0;
  for (const RequestOutcome& outcome : result.load.outcomes) {
    if (!outcome.failed() || shown == kMaxErrors) continue;
    table.Line(fmt::format("Error {}: {}", shown++, outcome.error));
  }
}

void AddTotals(const ServeOptions& options, const Metrics& metrics, Table& table) {
  table.Row("Successful requests:", metrics.completed);
  table.Row("Failed requests:", metrics.failed);
  if (options.max_concurrency > 0) {
    table.Row("Maximum request concurrency:", options.max_concurrency);
  }
  if (std::isfinite(options.traffic.request_rate)) {
    table.Row("Request rate configured (RPS):", options.traffic.request_rate);
  }
  table.Row("Benchmark duration (s):", metrics.duration_s);
  table.Row("Total input tokens:", metrics.total_input);
  table.Row("Total generated tokens:", metrics.total_output);
  table.Row("Request throughput (req/s):", metrics.request_throughput);
  if (metrics.request_goodput) table.Row("Request goodput (req/s):", *metrics.request_goodput);
  table.Row("Output token throughput (tok/s):", metrics.output_throughput);
  table.Row("Peak output token throughput (tok/s):", metrics.max_output_tokens_per_s);
  table.Row("Peak concurrent requests:", static_cast<double>(metrics.max_concurrent_requests));
  table.Row("Total token throughput (tok/s):", metrics.total_token_throughput);
}

void AddSummary(std::string_view label, const Distribution& seconds,
                const std::vector<double>& percentiles, Table& table) {
  table.Row(fmt::format("Mean {} (ms):", label), 1000 * seconds.mean());
  table.Row(fmt::format("Median {} (ms):", label), 1000 * seconds.median());
  for (const double percent : percentiles) {
    table.Row(fmt::format("P{} {} (ms):", PercentName(percent), label),
              1000 * seconds.Percentile(percent));
  }
}

void AddSpecDecode(const SpecDecode& spec, Table& table) {
  table.Heading("Speculative Decoding", '-');
  table.Row("Acceptance rate (%):", spec.acceptance_rate);
  table.Row("Acceptance length:", spec.acceptance_length);
  table.Row("Drafts:", spec.num_drafts);
  table.Row("Draft tokens:", spec.draft_tokens);
  table.Row("Accepted tokens:", spec.accepted_tokens);
  if (!spec.per_position.empty()) table.Line("Per-position acceptance (%):");
  for (size_t i = 0; i < spec.per_position.size(); ++i) {
    table.Row(fmt::format("  Position {}:", i), 100 * spec.per_position[i]);
  }
}

void AddSteady(const ServeOptions& options, const SteadyState& steady, Table& table) {
  table.Heading(fmt::format("Steady state: at least {} in flight", steady.concurrency), '-');
  table.Row("Window (s):", steady.end_s - steady.begin_s);
  table.Row("Requests ended:", steady.num_ended);
  table.Row("Request throughput (req/s):", steady.request_throughput);
  table.Row("Output token throughput (tok/s):", steady.output_throughput);
  const auto add = [&](std::string_view label, const Distribution& seconds) {
    if (seconds.size() > 0) AddSummary(label, seconds, options.percentiles, table);
  };
  add("TTFT", steady.ttft_s);
  add("TPOT", steady.tpot_s);
  add("ITL", steady.itl_s);
}

void AddCrossCheck(const std::vector<CheckRow>& rows, Table& table) {
  if (rows.empty()) return;
  table.Heading("Client against the server's /metrics", '-');
  table.Line(fmt::format("{:<18}{:>12}{:>12}{:>12}", "", "client", "server", "difference"));
  for (const CheckRow& row : rows) {
    table.Line(fmt::format("{:<18}{:>12.2f}{:>12.2f}{:>+12.2f}", row.what, row.client, row.server,
                           row.difference()));
  }
}

void AddClient(const ServeResult& result, Table& table) {
  const ClientHealth& health = result.load.health;
  table.Heading("Client", '-');
  table.Row("CPU used (% of one):", 100 * health.cpu_share);
  table.Row("Longest time between reads (ms):", 1000 * health.max_busy_s);
  table.Row("Latest start of a request (ms):", 1000 * health.max_send_lag_s);
}

}  // namespace

std::string ResultText(const ServeOptions& options, const ServeResult& result) {
  Table table;
  AddErrors(result, table);
  table.Heading(" Serving Benchmark Result ", '=');
  AddTotals(options, result.metrics, table);
  for (const MetricName& name : MetricNames()) {
    if (!IsReported(options, name.metric)) continue;
    table.Heading(name.heading, '-');
    AddSummary(name.label, result.metrics.of(name.metric), options.percentiles, table);
  }
  if (result.spec_decode) AddSpecDecode(*result.spec_decode, table);
  table.Heading("", '=');
  if (result.load.interrupted) {
    table.Line(fmt::format(
        "Interrupted: {} requests were under way, {} were not sent", result.metrics.interrupted,
        static_cast<int64_t>(result.load.outcomes.size()) - result.metrics.completed -
            result.metrics.failed - result.metrics.interrupted));
  }
  if (result.steady) AddSteady(options, *result.steady, table);
  AddCrossCheck(result.cross_check, table);
  AddClient(result, table);
  table.Heading("", '-');
  for (const std::string& note : result.notes) table.Line("Note: " + note);
  return table.Take();
}

}  // namespace weir::loadgen
