// SPDX-License-Identifier: Apache-2.0
//
// What the colours and marks of a timeline mean.
#ifndef WEIR_CLI_PLAN_LEGEND_H_
#define WEIR_CLI_PLAN_LEGEND_H_

#include <string_view>

#include "cli/plan_svg.h"
#include "cli/svg_writer.h"

namespace weir {

inline constexpr std::string_view kOverheadFill = "#d8d8d4";

// Lines of entries from the box's top left, as wide as the box; returns the y below them.
double DrawLegend(const Timeline& timeline, const SvgBox& box, SvgWriter& svg);

}  // namespace weir

#endif  // WEIR_CLI_PLAN_LEGEND_H_
