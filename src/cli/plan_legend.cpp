// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_legend.h"

#include <algorithm>
#include <fmt/format.h>

#include "cli/plan_palette.h"

namespace weir {
namespace {

constexpr double kLineHeight = 20;
constexpr double kSwatchWidth = 14;
constexpr double kSwatchHeight = 11;
constexpr double kTextSize = 12;
constexpr size_t kMaxEntries = 12;
constexpr int32_t kMaxSwatches = 4;  // of one entry

// Puts entries side by side and breaks the line where one does not fit.
class Flow {
 public:
  Flow(const SvgBox& box, SvgWriter& svg) : box_(box), svg_(svg), x_(box.x), y_(box.y + 14) {}

  // Room for `num_swatches` and the text; the swatches' place is returned.
  SvgBox Place(int32_t num_swatches, std::string_view text) {
    const double swatches = num_swatches * (kSwatchWidth + 1) + (num_swatches > 0 ? 5 : 0);
    const std::string shown = FitText(text, kTextSize, box_.width - swatches);
    const double width = swatches + TextWidth(shown, kTextSize) + 18;
    if (x_ > box_.x && x_ + width - 18 > box_.x + box_.width) Break();
    const SvgBox place{x_, y_ - kSwatchHeight + 1, kSwatchWidth, kSwatchHeight};
    svg_.Text(x_ + swatches, y_, shown, {.size = kTextSize});
    x_ += width;
    return place;
  }

  void Break() {
    x_ = box_.x;
    y_ += kLineHeight;
  }

  double bottom() const { return y_ + 14; }

 private:
  SvgBox box_;
  SvgWriter& svg_;
  double x_;
  double y_;
};

void DrawRows(const TimelineRows& rows, Flow& flow, SvgWriter& svg) {
  const std::string range = rows.num_rows == 1 ? fmt::format("row {}", rows.first_row)
                                               : fmt::format("rows {}-{}", rows.first_row,
                                                             rows.first_row + rows.num_rows - 1);
  const int32_t num_swatches = std::min(rows.num_rows, kMaxSwatches);
  SvgBox place = flow.Place(num_swatches, range + ": " + rows.label);
  for (int32_t i = 0; i < num_swatches; ++i) {
    svg.Rect(place, FillFor(rows.first_row + i, rows.kind));
    place.x += kSwatchWidth + 1;
  }
}

bool HasShared(const Timeline& timeline) {
  for (const TimelinePanel& panel : timeline.panels) {
    for (const TimelineItem& item : panel.items) {
      if (item.kind == BarKind::kShared) return true;
    }
  }
  return false;
}

void DrawMarkKey(bool has_shared, Flow& flow, SvgWriter& svg) {
  svg.Rect(flow.Place(1, "decode"), RowColor(kNoRow));
  svg.Rect(flow.Place(1, "prefill"), FillFor(kNoRow, BarKind::kPrefill));
  if (has_shared) {
    svg.Rect(flow.Place(1, "shared prefix of several rows"), FillFor(kNoRow, BarKind::kShared));
  }
  SvgBox place = flow.Place(1, "ends with the merge of a split row");
  svg.Rect(place, RowColor(kNoRow));
  svg.Rect({place.x + place.width - 2.4, place.y, 2.4, place.height}, "#111111");
  svg.Rect(flow.Place(1, "fixed cost of launch and merge"), kOverheadFill);
  place = flow.Place(1, "byte or flop floor");
  const double middle = place.x + place.width / 2;
  svg.Line(middle, place.y - 1, middle, place.y + place.height + 1,
           "stroke=\"#111111\" stroke-width=\"1.2\" stroke-dasharray=\"4 2\"");
}

}  // namespace

double DrawLegend(const Timeline& timeline, const SvgBox& box, SvgWriter& svg) {
  Flow flow(box, svg);
  const size_t num_shown = std::min(timeline.rows.size(), kMaxEntries);
  for (size_t i = 0; i < num_shown; ++i) DrawRows(timeline.rows[i], flow, svg);
  if (num_shown < timeline.rows.size()) {
    flow.Place(0, fmt::format("... {} more groups", timeline.rows.size() - num_shown));
  }
  flow.Break();
  DrawMarkKey(HasShared(timeline), flow, svg);
  return flow.bottom();
}

}  // namespace weir
