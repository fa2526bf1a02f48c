// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_plot_axes.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace weir {
namespace {

constexpr const char* kGrid = "stroke=\"var(--grid)\"";
constexpr SvgText kTick = {.size = 11, .color = "var(--soft)"};

}  // namespace

std::vector<double> RoundTicks(double top, int wanted) {
  if (!(top > 0)) top = 1;
  const double rough = top / std::max(wanted, 1);
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power < rough) continue;
    step = factor * power;
    break;
  }
  std::vector<double> ticks = {0};
  while (ticks.back() < top * (1 - 1e-9)) ticks.push_back(static_cast<double>(ticks.size()) * step);
  return ticks;
}

std::string TickText(double value, double step) {
  const int digits = std::clamp(static_cast<int>(std::ceil(-std::log10(step) - 1e-9)), 0, 9);
  return fmt::format("{:.{}f}", value, digits);
}

void DrawAxes(SvgWriter& svg, PlotArea& area, std::string_view x_label, std::string_view y_label) {
  const std::vector<double> xs = RoundTicks(area.x_max, 8);
  const std::vector<double> ys = RoundTicks(area.y_max, 4);
  area.x_max = xs.back();
  area.y_max = ys.back();
  for (const double y : ys) {
    svg.Line(area.left, area.Y(y), area.right(), area.Y(y), kGrid);
    SvgText style = kTick;
    style.anchor = "end";
    svg.Text(area.left - 6, area.Y(y) + 4, TickText(y, ys[1]), style);
  }
  for (const double x : xs) {
    SvgText style = kTick;
    style.anchor = "middle";
    svg.Line(area.X(x), area.bottom(), area.X(x), area.bottom() + 4, kGrid);
    svg.Text(area.X(x), area.bottom() + 17, TickText(x, xs[1]), style);
  }
  SvgText end = kTick;
  end.anchor = "end";
  svg.Text(area.right(), area.bottom() + 33, x_label, end);
  svg.Text(4, area.top - 10, y_label, kTick);
}

void DrawPolyline(SvgWriter& svg, const std::vector<std::pair<double, double>>& points,
                  std::string_view color) {
  std::string text = "<polyline fill=\"none\" stroke-width=\"1.5\" stroke=\"";
  text += color;
  text += "\" points=\"";
  for (const auto& [x, y] : points) {
    fmt::format_to(std::back_inserter(text), "{:.1f},{:.1f} ", x, y);
  }
  svg.Raw(text + "\"/>\n");
}

}  // namespace weir
