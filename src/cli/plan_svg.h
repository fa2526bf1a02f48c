// SPDX-License-Identifier: Apache-2.0
//
// A step's timeline as a picture: one lane per worker, one colour per row, one panel per policy,
// all on one scale of time so that the eye compares.
#ifndef WEIR_CLI_PLAN_SVG_H_
#define WEIR_CLI_PLAN_SVG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "cli/plan_bars.h"

namespace weir {

struct TimelinePanel {
  std::string name;     // of the policy
  std::string summary;  // one line beside it
  int32_t num_workers;
  double launch_us;     // before the first item
  double items_end_us;  // the last item is done; what follows is the merge's fixed cost
  double total_us;
  double floor_us;
  std::vector<TimelineItem> items;
};

// Rows of the legend: equal sequences that follow each other.
struct TimelineRows {
  int32_t first_row;
  int32_t num_rows;
  BarKind kind;
  std::string label;
};

struct Timeline {
  std::string title;
  std::string subtitle;
  std::vector<TimelinePanel> panels;
  std::vector<TimelineRows> rows;
};

// At most about 2 MB. Texts may hold anything: they are escaped and cut to fit.
std::string ToSvg(const Timeline& timeline);

}  // namespace weir

#endif  // WEIR_CLI_PLAN_SVG_H_
