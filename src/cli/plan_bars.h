// SPDX-License-Identifier: Apache-2.0
//
// What is drawn of a simulated step: coloured bars, few enough for a picture of bounded size
// whatever the number of items.
#ifndef WEIR_CLI_PLAN_BARS_H_
#define WEIR_CLI_PLAN_BARS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace weir {

enum class BarKind : uint8_t { kDecode, kPrefill, kShared };

struct TimelineItem {
  int32_t row;  // of the batch: the sequence
  BarKind kind;
  bool merges;  // it finished last of its row's parts and joined them
  int32_t worker;
  double begin_us;  // from the start of the call
  double end_us;
};

// In the unit of the picture, from the left edge of the plot.
struct Bar {
  int32_t lane;
  double begin;
  double end;
  int32_t row;
  BarKind kind;
  bool merges;
};

struct BarScale {
  double px_per_us;
  int32_t workers_per_lane;  // of which the first is drawn
  size_t max_bars;
};

// Bars of a lane ascend and do not overlap. Items narrower than a fraction of a pixel are joined to
// one bar of the widest one's colour; the fraction doubles until there are at most max_bars.
std::vector<Bar> MakeBars(std::span<const TimelineItem> items, const BarScale& scale);

}  // namespace weir

#endif  // WEIR_CLI_PLAN_BARS_H_
