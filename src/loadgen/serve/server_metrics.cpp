// SPDX-License-Identifier: Apache-2.0
#include "loadgen/serve/server_metrics.h"

#include <charconv>
#include <cmath>

namespace weir::loadgen {
namespace {

std::optional<double> ParseValue(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return std::nullopt;
  text = text.substr(begin, text.find_first_of(" \t\r", begin) - begin);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

std::optional<int64_t> PositionOf(std::string_view labels) {
  constexpr std::string_view kLabel = "position=\"";
  const size_t at = labels.find(kLabel);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view text = labels.substr(at + kLabel.size());
  int64_t position = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), position).ec != std::errc()) {
    return std::nullopt;
  }
  return position;
}

void ReadLine(std::string_view line, ServerMetrics& metrics) {
  if (line.empty() || line[0] == '#') return;
  const size_t name_end = line.find_first_of("{ \t");
  if (name_end == std::string_view::npos) return;
  size_t value_at = name_end;
  std::string_view labels;
  if (line[name_end] == '{') {
    const size_t close = line.rfind('}');
    if (close == std::string_view::npos) return;
    labels = line.substr(name_end, close - name_end);
    value_at = close + 1;
  }
  const std::optional<double> value = ParseValue(line.substr(value_at));
  if (!value) return;
  const std::string name(line.substr(0, name_end));
  metrics.sums[name] += *value;
  if (!name.ends_with("spec_decode_num_accepted_tokens_per_pos_total")) return;
  if (const std::optional<int64_t> position = PositionOf(labels)) {
    metrics.accepted_by_position[*position] += *value;
  }
}

// By how much a metric grew; none when either side lacks it or it went back, as after a restart.
std::optional<double> Grown(const ServerMetrics& before, const ServerMetrics& after,
                            std::string_view name) {
  const auto now = after.sums.find(name);
  if (now == after.sums.end()) return std::nullopt;
  const auto then = before.sums.find(name);
  const double growth = now->second - (then == before.sums.end() ? 0 : then->second);
  if (growth < 0) return std::nullopt;
  return growth;
}

constexpr const char* kPrefixes[] = {"weir:", "vllm:", "sglang:", "llamacpp:"};

std::optional<double> GrownAny(const ServerMetrics& before, const ServerMetrics& after,
                               std::initializer_list<const char*> names) {
  for (const char* prefix : kPrefixes) {
    for (const char* name : names) {
      if (const auto growth = Grown(before, after, std::string(prefix) + name)) return growth;
    }
  }
  return std::nullopt;
}

// Mean of a histogram's new samples, in milliseconds.
std::optional<double> MeanMs(const ServerMetrics& before, const ServerMetrics& after,
                             const std::string& histogram) {
  const auto sum = GrownAny(before, after, {(histogram + "_sum").c_str()});
  const auto count = GrownAny(before, after, {(histogram + "_count").c_str()});
  if (!sum || !count || *count == 0) return std::nullopt;
  return 1000 * *sum / *count;
}

}  // namespace

ServerMetrics ReadServerMetrics(std::string_view text) {
  ServerMetrics metrics;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    ReadLine(text.substr(0, end), metrics);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return metrics;
}

std::vector<CheckRow> CrossCheck(const ServerMetrics& before, const ServerMetrics& after,
                                 const Metrics& metrics) {
  std::vector<CheckRow> rows;
  const auto add = [&](const char* what, double client, std::optional<double> server) {
    if (server) rows.push_back({what, client, *server});
  };
  const auto mean_ms = [&](Metric metric) { return 1000 * metrics.of(metric).mean(); };
  add("Requests", static_cast<double>(metrics.completed),
      GrownAny(before, after, {"request_success_total", "num_requests_total"}));
  add("Input tokens", static_cast<double>(metrics.total_input),
      GrownAny(before, after, {"prompt_tokens_total"}));
  add("Output tokens", static_cast<double>(metrics.total_output),
      GrownAny(before, after, {"generation_tokens_total", "tokens_predicted_total"}));
  add("Mean TTFT (ms)", mean_ms(Metric::kTtft),
      MeanMs(before, after, "time_to_first_token_seconds"));
  add("Mean ITL (ms)", mean_ms(Metric::kItl), MeanMs(before, after, "inter_token_latency_seconds"));
  add("Mean E2EL (ms)", mean_ms(Metric::kE2el),
      MeanMs(before, after, "e2e_request_latency_seconds"));
  return rows;
}

std::optional<SpecDecode> SpecDecodeBetween(const ServerMetrics& before,
                                            const ServerMetrics& after) {
  const auto grown = [&](const char* name) {
    return Grown(before, after, std::string("vllm:spec_decode_") + name).value_or(0);
  };
  const double drafts = grown("num_drafts_total");
  const double draft_tokens = grown("num_draft_tokens_total");
  const double accepted = grown("num_accepted_tokens_total");
  if (draft_tokens <= 0) return std::nullopt;
  SpecDecode spec{.acceptance_rate = 100 * accepted / draft_tokens,
                  .acceptance_length = drafts > 0 ? 1 + accepted / drafts : 0,
                  .num_drafts = static_cast<int64_t>(drafts),
                  .draft_tokens = static_cast<int64_t>(draft_tokens),
                  .accepted_tokens = static_cast<int64_t>(accepted)};
  if (drafts <= 0) return spec;
  for (const auto& [position, value] : after.accepted_by_position) {
    const auto then = before.accepted_by_position.find(position);
    const double old = then == before.accepted_by_position.end() ? 0 : then->second;
    spec.per_position.push_back((value - old) / drafts);
  }
  return spec;
}

}  // namespace weir::loadgen
