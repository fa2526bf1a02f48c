// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_bars.h"

#include <algorithm>
#include <tuple>

namespace weir {
namespace {

constexpr double kMinWidth = 0.4;  // pixels; finer is not seen
constexpr double kMaxWidth = 1e6;

// Appends one lane's items in order of time.
class LaneJoiner {
 public:
  LaneJoiner(double min_width, std::vector<Bar>& bars) : min_width_(min_width), bars_(bars) {}

  void Add(const Bar& item) {
    if (!Joins(item)) {
      bars_.push_back(item);
      widest_ = item.end - item.begin;
      return;
    }
    Bar& bar = bars_.back();
    if (item.end - item.begin > widest_) {
      widest_ = item.end - item.begin;
      bar.row = item.row;
      bar.kind = item.kind;
    }
    bar.merges = bar.merges || item.merges;
    bar.end = std::max(bar.end, item.end);
  }

 private:
  bool Joins(const Bar& item) const {
    if (bars_.empty() || bars_.back().lane != item.lane) return false;
    const Bar& bar = bars_.back();
    return bar.end - bar.begin < min_width_ && item.begin - bar.end < min_width_;
  }

  double min_width_;
  std::vector<Bar>& bars_;
  double widest_ = 0;
};

std::vector<Bar> SortedBars(std::span<const TimelineItem> items, const BarScale& scale) {
  std::vector<Bar> bars;
  for (const TimelineItem& item : items) {
    if (item.worker % scale.workers_per_lane != 0) continue;
    bars.push_back({.lane = item.worker / scale.workers_per_lane,
                    .begin = item.begin_us * scale.px_per_us,
                    .end = item.end_us * scale.px_per_us,
                    .row = item.row,
                    .kind = item.kind,
                    .merges = item.merges});
  }
  std::stable_sort(bars.begin(), bars.end(), [](const Bar& a, const Bar& b) {
    return std::tie(a.lane, a.begin) < std::tie(b.lane, b.begin);
  });
  return bars;
}

}  // namespace

std::vector<Bar> MakeBars(std::span<const TimelineItem> items, const BarScale& scale) {
  const std::vector<Bar> all = SortedBars(items, scale);
  std::vector<Bar> joined;
  for (double min_width = kMinWidth; min_width < kMaxWidth; min_width *= 2) {
    joined.clear();
    LaneJoiner joiner(min_width, joined);
    for (const Bar& bar : all) joiner.Add(bar);
    if (joined.size() <= scale.max_bars) break;
  }
  return joined;
}

}  // namespace weir
