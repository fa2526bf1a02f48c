// SPDX-License-Identifier: Apache-2.0
//
// The frame of a chart: a plot area with ticks at round numbers, in the colours of an HTML page.
#ifndef WEIR_CLI_BENCH_PLOT_AXES_H_
#define WEIR_CLI_BENCH_PLOT_AXES_H_

#include <string>
#include <string_view>
#include <vector>

#include "cli/svg_writer.h"

namespace weir {

// Round numbers from 0 to at least `top`, about `wanted` of them.
std::vector<double> RoundTicks(double top, int wanted);
// "0.05", "12", "1500": as few digits as the step between ticks needs.
std::string TickText(double value, double step);

struct PlotArea {
  double left = 56;
  double top = 24;
  double width = 600;
  double height = 180;
  double x_max = 1;  // data run from 0
  double y_max = 1;

  double X(double value) const { return left + width * value / x_max; }
  double Y(double value) const { return top + height * (1 - value / y_max); }
  double bottom() const { return top + height; }
  double right() const { return left + width; }
};

// Rounds x_max and y_max up to ticks; draws grid, ticks and labels.
void DrawAxes(SvgWriter& svg, PlotArea& area, std::string_view x_label, std::string_view y_label);

void DrawPolyline(SvgWriter& svg, const std::vector<std::pair<double, double>>& points,
                  std::string_view color);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_PLOT_AXES_H_
