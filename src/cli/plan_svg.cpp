// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_svg.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

#include "cli/plan_legend.h"
#include "cli/plan_palette.h"
#include "cli/svg_writer.h"

namespace weir {
namespace {

constexpr double kWidth = 1200;
constexpr double kLeft = 72;    // lane labels stand left of the plot
constexpr double kRight = 130;  // the label of the longest panel's end stands right of it
constexpr double kPlotWidth = kWidth - kLeft - kRight;
constexpr double kHeadHeight = 58;
constexpr double kNameHeight = 18;   // a panel's name
constexpr double kMarksHeight = 16;  // labels of floor and end
constexpr double kAxisHeight = 34;
constexpr double kMaxLaneHeight = 20;
constexpr double kMinPlotHeight = 40;
constexpr double kMaxPlotHeight = 400;
constexpr double kNameSize = 14;
constexpr double kSmallSize = 11;
constexpr size_t kMaxBarsInAll = 40000;  // about 45 bytes each
constexpr std::string_view kGrey = "#666666";
constexpr std::string_view kDark = "#111111";

// Where a panel's lanes lie.
struct Plot {
  double top;
  double height;
  double lane_height;
  int32_t workers_per_lane;
  int32_t num_lanes;
  double px_per_us;

  double bottom() const { return top + height; }
  double X(double us) const { return kLeft + us * px_per_us; }
};

Plot PlotOf(const TimelinePanel& panel, double top, double px_per_us) {
  Plot plot{.top = top, .px_per_us = px_per_us};
  // A lane below a pixel is not seen.
  plot.workers_per_lane =
      static_cast<int32_t>(std::ceil(std::max(1, panel.num_workers) / kMaxPlotHeight));
  plot.num_lanes =
      (std::max(1, panel.num_workers) + plot.workers_per_lane - 1) / plot.workers_per_lane;
  plot.height = std::clamp(plot.num_lanes * kMaxLaneHeight, kMinPlotHeight, kMaxPlotHeight);
  plot.lane_height = plot.height / plot.num_lanes;
  return plot;
}

// A step of 1, 2 or 5 times a power of ten that gives about eight ticks.
double TickStep(double range) {
  const double rough = range / 8;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

void DrawAxis(const Plot& plot, SvgWriter& svg) {
  const double range = kPlotWidth / plot.px_per_us;
  const double step = TickStep(range);
  for (int i = 0; i * step <= range * (1 + 1e-9); ++i) {
    const double x = plot.X(i * step);
    svg.Line(x, plot.top, x, plot.bottom() + 4, "stroke=\"#999999\" stroke-width=\"0.5\"");
    svg.Text(x, plot.bottom() + 16, fmt::format("{:g}", i * step),
             {.size = kSmallSize, .color = kGrey, .anchor = "middle"});
  }
  svg.Text(kLeft + kPlotWidth + 28, plot.bottom() + 16, "us", {.size = kSmallSize, .color = kGrey});
}

void DrawLaneLabels(const TimelinePanel& panel, const Plot& plot, SvgWriter& svg) {
  const SvgText style{.size = kSmallSize, .color = kGrey, .anchor = "end"};
  const auto label = [&](int32_t lane, double y) {
    svg.Text(kLeft - 6, y, fmt::format("{}", lane * plot.workers_per_lane), style);
  };
  svg.Text(kLeft - 6, plot.top - 5, "worker", style);
  if (plot.lane_height >= kSmallSize + 1) {
    for (int32_t lane = 0; lane < plot.num_lanes; ++lane) {
      label(lane, plot.top + (lane + 0.5) * plot.lane_height + 4);
    }
    return;
  }
  label(0, plot.top + 9);
  svg.Text(kLeft - 6, plot.bottom(), fmt::format("{}", panel.num_workers - 1), style);
  if (plot.workers_per_lane > 1) {
    svg.Text(kLeft - 6, plot.top + plot.height / 2, fmt::format("1 in {}", plot.workers_per_lane),
             style);
  }
}

SvgBox BoxOf(const Bar& bar, const Plot& plot) {
  const double gap = std::clamp(plot.lane_height * 0.12, 0.0, 2.0);
  const double width = bar.end - bar.begin;
  return {.x = kLeft + bar.begin,
          .y = plot.top + bar.lane * plot.lane_height + gap / 2,
          .width = width > 4 ? width - 0.8 : width,
          .height = plot.lane_height - gap};
}

// One path per fill keeps the file small.
void DrawBars(const TimelinePanel& panel, const Plot& plot, size_t max_bars, SvgWriter& svg) {
  const auto bars = MakeBars(panel.items, {.px_per_us = plot.px_per_us,
                                           .workers_per_lane = plot.workers_per_lane,
                                           .max_bars = max_bars});
  std::map<std::string, std::string> paths;
  std::string merges;
  for (const Bar& bar : bars) {
    const SvgBox box = BoxOf(bar, plot);
    AppendBox(paths[FillFor(bar.row, bar.kind)], box);
    if (bar.merges) {
      AppendBox(merges, {box.x + box.width - 2.4, box.y, 2.4, box.height});
    }
  }
  for (const auto& [fill, path] : paths) {
    svg.Raw(fmt::format("<path fill=\"{}\" d=\"{}\"/>\n", fill, path));
  }
  if (!merges.empty()) svg.Raw(fmt::format("<path fill=\"{}\" d=\"{}\"/>\n", kDark, merges));
}

// The call's own time, which no worker's item shows.
void DrawOverheads(const TimelinePanel& panel, const Plot& plot, SvgWriter& svg) {
  const auto band = [&](double begin_us, double end_us) {
    const double width = (end_us - begin_us) * plot.px_per_us;
    if (width > 0) svg.Rect({plot.X(begin_us), plot.top, width, plot.height}, kOverheadFill);
  };
  band(0, panel.launch_us);
  band(panel.items_end_us, panel.total_us);
}

void DrawMarks(const TimelinePanel& panel, const Plot& plot, SvgWriter& svg) {
  const double floor_x = plot.X(panel.floor_us);
  const double end_x = plot.X(panel.total_us);
  const double y = plot.top - 5;
  svg.Line(floor_x, plot.top - 3, floor_x, plot.bottom(),
           "stroke=\"#111111\" stroke-width=\"1.2\" stroke-dasharray=\"5 3\"");
  svg.Line(end_x, plot.top - 3, end_x, plot.bottom(), "stroke=\"#111111\" stroke-width=\"1.2\"");
  svg.Text(end_x + 4, y, fmt::format("end {:.1f}", panel.total_us), {.size = kSmallSize});
  // Left of its line, or right of it where the left has no room and the end leaves some.
  const std::string text = fmt::format("floor {:.1f}", panel.floor_us);
  const double width = TextWidth(text, kSmallSize) + 6;
  if (floor_x - width > kLeft) {
    svg.Text(floor_x - 4, y, text, {.size = kSmallSize, .anchor = "end"});
  } else if (end_x - floor_x > width) {
    svg.Text(floor_x + 4, y, text, {.size = kSmallSize});
  }
}

double PanelHeight(const TimelinePanel& panel) {
  return kNameHeight + kMarksHeight + PlotOf(panel, 0, 1).height + kAxisHeight;
}

void DrawPanel(const TimelinePanel& panel, const Plot& plot, size_t max_bars, SvgWriter& svg) {
  const double name_y = plot.top - kMarksHeight - 4;
  const double name_width = TextWidth(panel.name, kNameSize) * 1.15 + 14;
  svg.Text(kLeft, name_y, panel.name, {.size = kNameSize, .color = kDark, .bold = true});
  svg.Text(kLeft + name_width, name_y, FitText(panel.summary, 12, kWidth - kLeft - name_width - 20),
           {.color = kGrey});
  svg.Rect({kLeft, plot.top, kPlotWidth, plot.height}, "#f4f4f2");
  DrawOverheads(panel, plot, svg);
  DrawAxis(plot, svg);
  DrawBars(panel, plot, max_bars, svg);
  DrawMarks(panel, plot, svg);
  DrawLaneLabels(panel, plot, svg);
}

// The patterns that the picture may use.
void DrawPatterns(SvgWriter& svg) {
  svg.Raw("<defs>\n" + PatternFor(kNoRow, BarKind::kShared));
  for (int32_t row = kNoRow; row < kNumRowColors; ++row) {
    svg.Raw(PatternFor(row, BarKind::kPrefill));
  }
  svg.Raw("</defs>\n");
}

}  // namespace

std::string ToSvg(const Timeline& timeline) {
  double longest_us = 1e-3;
  for (const TimelinePanel& panel : timeline.panels) {
    longest_us = std::max({longest_us, panel.total_us, panel.floor_us});
  }
  const double px_per_us = kPlotWidth / longest_us;
  const size_t max_bars = kMaxBarsInAll / std::max<size_t>(timeline.panels.size(), 1);
  SvgWriter svg;
  DrawPatterns(svg);
  svg.Text(kLeft, 26, FitText(timeline.title, 17, kWidth - kLeft - 20),
           {.size = 17, .color = kDark, .bold = true});
  svg.Text(kLeft, 46, FitText(timeline.subtitle, 12, kWidth - kLeft - 20), {.color = kGrey});
  double y = kHeadHeight;
  for (const TimelinePanel& panel : timeline.panels) {
    DrawPanel(panel, PlotOf(panel, y + kNameHeight + kMarksHeight, px_per_us), max_bars, svg);
    y += PanelHeight(panel);
  }
  y = DrawLegend(timeline, {.x = kLeft, .y = y, .width = kWidth - kLeft - 20}, svg);
  return svg.Finish(kWidth, y, timeline.title);
}

}  // namespace weir
