// SPDX-License-Identifier: Apache-2.0
#include "server/metrics/prometheus.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <iterator>

namespace weir {
namespace {

// Shortest text that reads back as the same number; whole numbers without a fraction.
std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  if (value == std::trunc(value) && std::abs(value) < 1e15) return fmt::format("{:.0f}", value);
  return fmt::format("{}", value);
}

// Edges of whole numbers are written as vLLM's client library does: le="1.0".
std::string EdgeText(double edge) {
  return edge == std::trunc(edge) ? fmt::format("{:.1f}", edge) : fmt::format("{}", edge);
}

void Append(std::string& labels, std::string_view more) {
  if (!labels.empty() && !more.empty()) labels += ',';
  labels += more;
}

}  // namespace

Histogram::Histogram(std::vector<double> edges)
    : edges_(std::move(edges)), counts_(edges_.size() + 1) {}

void Histogram::Observe(double value) {
  const auto edge = std::lower_bound(edges_.begin(), edges_.end(), value);
  counts_[static_cast<size_t>(edge - edges_.begin())].fetch_add(1, std::memory_order_relaxed);
  double sum = sum_.load(std::memory_order_relaxed);
  while (!sum_.compare_exchange_weak(sum, sum + value, std::memory_order_relaxed)) {
  }
}

HistogramSnapshot Histogram::Snapshot() const {
  HistogramSnapshot result = {.edges = edges_, .sum = sum_.load(std::memory_order_relaxed)};
  std::transform(counts_.begin(), counts_.end(), std::back_inserter(result.counts),
                 [](const auto& count) { return count.load(std::memory_order_relaxed); });
  return result;
}

std::vector<double> OneTwoFiveEdges(int64_t most) {
  std::vector<double> edges;
  for (int64_t scale = 1;; scale *= 10) {
    for (const int64_t digit : {1, 2, 5}) {
      if (digit * scale > most) return edges;
      edges.push_back(static_cast<double>(digit * scale));
    }
  }
}

std::string LabelText(std::string_view name, std::string_view value) {
  std::string text(name);
  text += "=\"";
  for (const char c : value) {
    if (c == '\n') {
      text += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') text += '\\';
    text += c;
  }
  return text += '"';
}

void MetricsText::Family(std::string_view name, std::string_view type, std::string_view help) {
  family_ = name;
  text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void MetricsText::Line(std::string_view suffix, std::string_view labels, double value) {
  text_ += family_;
  text_ += suffix;
  if (!labels.empty()) {
    text_ += '{';
    text_ += labels;
    text_ += '}';
  }
  text_ += ' ';
  text_ += NumberText(value);
  text_ += '\n';
}

void MetricsText::Sample(std::initializer_list<Label> labels, double value) {
  std::string all = common_;
  for (const auto& [name, text] : labels) Append(all, LabelText(name, text));
  Line("", all, value);
}

void MetricsText::Sample(std::initializer_list<Label> labels, const HistogramSnapshot& histogram) {
  std::string all = common_;
  for (const auto& [name, text] : labels) Append(all, LabelText(name, text));
  int64_t total = 0;
  for (size_t i = 0; i < histogram.counts.size(); ++i) {
    total += histogram.counts[i];
    const std::string edge =
        i < histogram.edges.size() ? EdgeText(histogram.edges[i]) : std::string("+Inf");
    std::string with_edge = all;
    Append(with_edge, LabelText("le", edge));
    Line("_bucket", with_edge, static_cast<double>(total));
  }
  Line("_sum", all, histogram.sum);
  Line("_count", all, static_cast<double>(total));
}

void MetricsText::Summary(std::initializer_list<Label> labels, double sum, int64_t count) {
  std::string all = common_;
  for (const auto& [name, text] : labels) Append(all, LabelText(name, text));
  Line("_sum", all, sum);
  Line("_count", all, static_cast<double>(count));
}

void MetricsText::Gauge(std::string_view name, std::string_view help, double value) {
  Family(name, "gauge", help);
  Sample(value);
}

void MetricsText::Count(std::string_view name, std::string_view help, double value) {
  Family(name, "counter", help);
  Sample(value);
}

void MetricsText::Histo(std::string_view name, std::string_view help,
                        const HistogramSnapshot& value) {
  Family(name, "histogram", help);
  Sample({}, value);
}

}  // namespace weir
