// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <string_view>

#include "cli/bench_attention_report.h"
#include "cli/plan_palette.h"
#include "cli/plan_report.h"
#include "cli/svg_writer.h"

namespace weir {
namespace {

constexpr double kWidth = 1000;
constexpr double kLeft = 190;   // case names stand left of the plot
constexpr double kRight = 130;  // ratios stand right of it
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kTop = 96;
constexpr double kDotHeight = 15;    // of a policy's line
constexpr double kCaseGap = 9;       // between two cases
constexpr double kShapeHeight = 28;  // of a shape's heading
constexpr double kAxisHeight = 44;
constexpr double kDotRadius = 4;
constexpr double kSmallSize = 11;
constexpr std::string_view kGrey = "#666666";
constexpr std::string_view kDark = "#111111";
constexpr double kTicks[] = {0.1, 0.2, 0.3,  0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05,
                             1.1, 1.2, 1.35, 1.5, 2,   3,   5,   10,   20};
constexpr double kTickWidth = 34;  // labels stand at least so far apart

// Ratios are drawn by their logarithms: twice as slow and twice as fast are equally far from 1.
struct Scale {
  double low;
  double high;
  double X(double ratio) const {
    const double part = std::log(ratio / low) / std::log(high / low);
    return kLeft + kPlotWidth * std::clamp(part, 0.0, 1.0);
  }
};

struct Line {
  std::string policy;
  RatioSummary ratio;
  bool same_plan;
};

struct Row {
  const CaseSamples* samples;
  std::vector<Line> lines;
};

std::vector<Row> RowsOf(const BenchReport& report) {
  std::vector<Row> rows;
  for (const CaseSamples& samples : report.cases) {
    Row row{.samples = &samples};
    const std::vector<PolicySummary> summaries = Summarise(report, samples);
    for (size_t i = 0; i < summaries.size(); ++i) {
      if (!summaries[i].to_weir) continue;
      row.lines.push_back(
          {summaries[i].policy, *summaries[i].to_weir, samples.policies[i].same_plan});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Scale ScaleOf(const std::vector<Row>& rows) {
  Scale scale{.low = 0.92, .high = 1.1};
  for (const Row& row : rows) {
    for (const Line& line : row.lines) {
      scale.low = std::min(scale.low, std::max(line.ratio.interval.low / 1.02, kTicks[0]));
      scale.high = std::max(scale.high, std::min(line.ratio.interval.high * 1.02, 20.0));
    }
  }
  return scale;
}

std::string ColorOf(const std::string& policy) { return RowColor(policy == "before" ? 1 : 2); }

// A plan that is weir's own has a hollow dot.
void DrawDot(double x, double y, const Line& line, SvgWriter& svg) {
  const std::string color = ColorOf(line.policy);
  svg.Raw(
      fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\" stroke=\"{}\" "
                  "stroke-width=\"1.6\"/>\n",
                  x, y, kDotRadius, line.same_plan ? "#ffffff" : color, color));
}

void DrawLine(const Scale& scale, const Line& line, double y, SvgWriter& svg) {
  const std::string style = fmt::format("stroke=\"{}\" stroke-width=\"1.6\"", ColorOf(line.policy));
  const double low = scale.X(line.ratio.interval.low);
  const double high = scale.X(line.ratio.interval.high);
  svg.Line(low, y, high, y, style);
  svg.Line(low, y - 3, low, y + 3, style);
  svg.Line(high, y - 3, high, y + 3, style);
  DrawDot(scale.X(line.ratio.median), y, line, svg);
  const bool even = line.same_plan || line.ratio.verdict == Verdict::kEven;
  svg.Text(kWidth - kRight + 14, y + 4, fmt::format("{:.3f}", line.ratio.median),
           {.size = kSmallSize, .color = even ? kGrey : kDark, .bold = !even});
  svg.Text(kWidth - kRight + 56, y + 4, line.same_plan ? "same plan" : ToString(line.ratio.verdict),
           {.size = kSmallSize, .color = even ? kGrey : kDark, .bold = !even});
}

void DrawAxis(const Scale& scale, double bottom, SvgWriter& svg) {
  double last = -kTickWidth;
  for (const double tick : kTicks) {
    const double x = scale.X(tick);
    if (tick < scale.low || tick > scale.high || x - last < kTickWidth) continue;
    // The label of 1 must not be crowded out.
    if (tick != 1 && std::abs(x - scale.X(1)) < kTickWidth) continue;
    last = x;
    svg.Line(x, kTop, x, bottom + 4, "stroke=\"#cccccc\" stroke-width=\"0.6\"");
    svg.Text(x, bottom + 17, fmt::format("{:g}", tick),
             {.size = kSmallSize, .color = kGrey, .anchor = "middle"});
  }
  svg.Text(kLeft, bottom + 34, "< weir is slower", {.size = kSmallSize, .color = kGrey});
  svg.Text(kWidth - kRight, bottom + 34, "weir is faster >",
           {.size = kSmallSize, .color = kGrey, .anchor = "end"});
  svg.Text(kLeft + kPlotWidth / 2, bottom + 34, "time / weir's time, logarithmic",
           {.size = kSmallSize, .color = kGrey, .anchor = "middle"});
}

void DrawHead(const BenchReport& report, SvgWriter& svg) {
  svg.Text(20, 28, "Attention policies against weir", {.size = 17, .color = kDark, .bold = true});
  const std::string machine = fmt::format(
      "{}, {} threads, {} rounds, profile {}; dots: medians of the rounds' ratios, whiskers: 95 % "
      "intervals, band: 1 +- {:.0f} %",
      report.table, report.num_threads, report.rounds, report.profile, 100 * kEvenTolerance);
  svg.Text(20, 48, FitText(machine, 12, (kWidth - 40) * 1.15), {.color = kGrey});
  double x = 24;
  for (const char* policy : {"before", "pr85"}) {
    DrawDot(x, 68, {.policy = policy, .same_plan = false}, svg);
    svg.Text(x + 10, 72, policy, {.size = 12});
    x += 80;
  }
  DrawDot(x, 68, {.policy = "before", .same_plan = true}, svg);
  svg.Text(x + 10, 72, "hollow: the plan is weir's, any difference is noise", {.size = 12});
}

double HeightOf(const Row& row) {
  return static_cast<double>(row.lines.size()) * kDotHeight + kCaseGap;
}

}  // namespace

std::string RatioChart(const BenchReport& report) {
  const std::vector<Row> rows = RowsOf(report);
  const Scale scale = ScaleOf(rows);
  double bottom = kTop;
  std::string shape;
  for (const Row& row : rows) {
    if (row.samples->shape_name != shape) bottom += kShapeHeight;
    shape = row.samples->shape_name;
    bottom += HeightOf(row);
  }
  SvgWriter svg;
  DrawHead(report, svg);
  const double band = scale.X(1 - kEvenTolerance);
  svg.Rect({band, kTop, scale.X(1 + kEvenTolerance) - band, bottom - kTop}, "#ececea");
  DrawAxis(scale, bottom, svg);
  svg.Line(scale.X(1), kTop, scale.X(1), bottom, "stroke=\"#333333\" stroke-width=\"1\"");
  double y = kTop;
  shape.clear();
  for (const Row& row : rows) {
    if (row.samples->shape_name != shape) {
      shape = row.samples->shape_name;
      svg.Rect({0, y + 2, kWidth, kShapeHeight - 6}, "#ffffff");
      svg.Text(20, y + 18, shape + ": " + Describe(row.samples->shape),
               {.size = 12, .color = kDark, .bold = true});
      y += kShapeHeight;
    }
    svg.Text(kLeft - 10, y + HeightOf(row) / 2 + 1,
             FitText(row.samples->bench_case.name, 12, kLeft - 24), {.size = 12, .anchor = "end"});
    for (const Line& line : row.lines) {
      DrawLine(scale, line, y + kDotHeight / 2 + 3, svg);
      y += kDotHeight;
    }
    y += kCaseGap;
  }
  return svg.Finish(kWidth, bottom + kAxisHeight, "Attention policies against weir");
}

}  // namespace weir
