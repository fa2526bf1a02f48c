// SPDX-License-Identifier: Apache-2.0
//
// The single charts of a run.
#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "cli/bench_plot_axes.h"
#include "cli/bench_serve_plot.h"
#include "loadgen/report/series.h"

namespace weir {
namespace {

using loadgen::Distribution;
using loadgen::Gap;
using loadgen::RequestOutcome;
using loadgen::Span;

constexpr double kWidth = 720;
constexpr size_t kNumBins = 60;
constexpr size_t kNumBuckets = 120;
constexpr size_t kMaxRows = 240;
constexpr int64_t kMostPrefills = 5;  // this many and more are one group

void Marker(SvgWriter& svg, const PlotArea& area, double at, std::string_view name, double y) {
  if (at > area.x_max) return;
  svg.Line(area.X(at), area.top, area.X(at), area.bottom(),
           "stroke=\"var(--ink)\" stroke-dasharray=\"3 3\"");
  svg.Text(area.X(at) + 4, y, name, {.size = 11, .color = "var(--ink)"});
}

// A run's largest value would squeeze all others: what lies above this is one bin at the end.
double UpperEnd(const Distribution& seconds) {
  const double p99 = seconds.Percentile(99);
  return std::max(std::min(seconds.max(), 1.5 * p99), 1e-6);
}

void Box(std::string& path, const PlotArea& area, double begin, double end, double y,
         double height) {
  AppendBox(path, {area.X(begin), y, std::max(area.X(end) - area.X(begin), 0.3), height});
}

void AddPath(SvgWriter& svg, const std::string& path, std::string_view color) {
  svg.Raw(fmt::format("<path fill=\"{}\" d=\"{}\"/>\n", color, path));
}

}  // namespace

std::string DistributionChart(const Distribution& seconds, std::string_view name,
                              std::string_view color) {
  PlotArea area{.height = 130, .x_max = 1000 * UpperEnd(seconds)};
  std::vector<double> bins(kNumBins + 1, 0.0);
  for (const double value : seconds.sorted()) {
    const double at = 1000 * value / area.x_max * static_cast<double>(kNumBins);
    bins[std::min(static_cast<size_t>(std::max(at, 0.0)), kNumBins)] += 1;
  }
  const double bin_ms = area.x_max / static_cast<double>(kNumBins);
  area.y_max = *std::max_element(bins.begin(), bins.end());
  SvgWriter svg;
  DrawAxes(svg, area, "ms", "count");
  for (size_t i = 0; i <= kNumBins; ++i) {
    if (bins[i] == 0) continue;
    const double x = area.X(static_cast<double>(i) * bin_ms);
    const double width = std::max(area.X(bin_ms) - area.left - 1, 0.5);
    svg.Rect({x, area.Y(bins[i]), width, area.bottom() - area.Y(bins[i])}, color);
  }
  Marker(svg, area, 1000 * seconds.median(), "median", area.top + 10);
  Marker(svg, area, 1000 * seconds.Percentile(99), "p99", area.top + 24);
  return svg.FinishInline(kWidth, area.bottom() + 40, name);
}

std::string TimelineChart(std::span<const RequestOutcome> outcomes, double begin_s) {
  std::vector<size_t> by_start;
  for (size_t i = 0; i < outcomes.size(); ++i) {
    if (outcomes[i].completed()) by_start.push_back(i);
  }
  std::sort(by_start.begin(), by_start.end(),
            [&](size_t a, size_t b) { return outcomes[a].start_s < outcomes[b].start_s; });
  std::vector<Span> sorted;
  double last_s = begin_s;
  for (const size_t i : by_start) {
    sorted.push_back({outcomes[i].start_s, outcomes[i].start_s + outcomes[i].latency_s});
    last_s = std::max(last_s, sorted.back().end_s);
  }
  const std::vector<size_t> rows = loadgen::PackRows(sorted);
  const size_t num_rows =
      rows.empty() ? 1 : std::min(*std::max_element(rows.begin(), rows.end()) + 1, kMaxRows);
  const double pitch = num_rows < 40 ? 9 : num_rows < 100 ? 5 : 2.5;
  PlotArea area{.height = pitch * static_cast<double>(num_rows) + 2,
                .x_max = std::max(last_s - begin_s, 1e-3),
                .y_max = static_cast<double>(num_rows)};
  SvgWriter svg;
  DrawAxes(svg, area, "s", "requests in flight");
  const double step = area.height / area.y_max;
  std::string prefill;
  std::string decode;
  for (size_t k = 0; k < sorted.size(); ++k) {
    if (rows[k] >= kMaxRows) continue;
    const RequestOutcome& o = outcomes[by_start[k]];
    const double y = area.bottom() - step * static_cast<double>(rows[k] + 1);
    const double start = o.start_s - begin_s;
    Box(prefill, area, start, start + o.ttft_s, y + 0.08 * step, 0.85 * step);
    Box(decode, area, start + o.ttft_s, start + o.latency_s, y + 0.08 * step, 0.85 * step);
  }
  AddPath(svg, prefill, "var(--b)");
  AddPath(svg, decode, "var(--a)");
  return svg.FinishInline(kWidth, area.bottom() + 40, "Requests over time");
}

std::string ThroughputChart(const loadgen::ServeResult& result) {
  const double begin_s = result.load.begin_s;
  const double length_s = std::max(result.load.duration_s, 1e-3);
  const std::vector<double> rates = loadgen::RatesOver(loadgen::ChunkTimes(result.load.outcomes),
                                                       {begin_s, begin_s + length_s}, kNumBuckets);
  PlotArea area{.x_max = length_s};
  area.y_max = *std::max_element(rates.begin(), rates.end());
  SvgWriter svg;
  DrawAxes(svg, area, "s", "chunk/s");
  std::vector<std::pair<double, double>> points;
  for (size_t i = 0; i < rates.size(); ++i) {
    const double at = (static_cast<double>(i) + 0.5) * length_s / static_cast<double>(kNumBuckets);
    points.emplace_back(area.X(at), area.Y(rates[i]));
  }
  DrawPolyline(svg, points, "var(--c)");
  return svg.FinishInline(kWidth, area.bottom() + 40, "Throughput over time");
}

std::string PrefillChart(std::span<const RequestOutcome> outcomes) {
  const loadgen::OverlapCounter prefills(loadgen::PrefillsOf(outcomes));
  std::vector<std::vector<double>> groups(static_cast<size_t>(kMostPrefills) + 1);
  for (const Gap& gap : loadgen::GapsOf(outcomes)) {
    const int64_t count = std::min(prefills.Count(gap.span), kMostPrefills);
    groups[static_cast<size_t>(count)].push_back(1000 * gap.span.length_s());
  }
  std::vector<Distribution> samples;
  double top = 0;
  for (std::vector<double>& group : groups) {
    samples.emplace_back(std::move(group));
    top = std::max(top, samples.back().Percentile(99));
  }
  const double left = 150;
  PlotArea area{.left = left,
                .width = 520,
                .height = 34.0 * (kMostPrefills + 1),
                .x_max = std::max(top, 1e-3),
                .y_max = 1};
  const std::vector<double> ticks = RoundTicks(area.x_max, 8);
  area.x_max = ticks.back();
  SvgWriter svg;
  for (const double tick : ticks) {
    svg.Line(area.X(tick), area.top, area.X(tick), area.bottom(), "stroke=\"var(--grid)\"");
    svg.Text(area.X(tick), area.bottom() + 16, TickText(tick, ticks[1]),
             {.size = 11, .color = "var(--soft)", .anchor = "middle"});
  }
  svg.Text(area.right(), area.bottom() + 32, "ms",
           {.size = 11, .color = "var(--soft)", .anchor = "end"});
  for (size_t i = 0; i < samples.size(); ++i) {
    const double y = area.top + 34 * static_cast<double>(i) + 17;
    const bool more = static_cast<int64_t>(i) == kMostPrefills;
    svg.Text(left - 10, y + 4,
             fmt::format("{}{} prefills, {} gaps", i, more ? "+" : "", samples[i].size()),
             {.size = 11, .color = "var(--ink)", .anchor = "end"});
    if (samples[i].size() == 0) continue;
    const double p50 = area.X(samples[i].median());
    const double p99 = area.X(samples[i].Percentile(99));
    svg.Rect({area.left, y - 6, std::max(p50 - area.left, 1.0), 12}, "var(--a)");
    svg.Rect({p50, y - 2, std::max(p99 - p50, 0.5), 4}, "var(--d)");
    svg.Rect({p99 - 1.5, y - 6, 3, 12}, "var(--d)");
  }
  return svg.FinishInline(kWidth, area.bottom() + 40, "Gaps by prefills at the same time");
}

}  // namespace weir
