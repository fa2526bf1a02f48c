// SPDX-License-Identifier: Apache-2.0
//
// A plan report as a timeline to draw.
#include <fmt/format.h>

#include "cli/plan_report.h"

namespace weir {
namespace {

BarKind KindOf(const AttnItem& item, const AttnBatch& batch) {
  if (item.num_members > 0) return BarKind::kShared;
  return batch.q_len(item.seq) == 1 ? BarKind::kDecode : BarKind::kPrefill;
}

// Calls `use(merge)` for each merge that the item arrives at.
template <class Use>
void ForMerges(const AttnWork& work, const AttnItem& item, Use&& use) {
  if (item.merge >= 0) use(item.merge);
  for (int32_t i = 0; i < item.num_members; ++i) {
    use(work.members[item.first_member + i].merge + item.kv_head);
  }
}

// Per item, whether it is the last to arrive at some merge.
std::vector<bool> LastArrivals(const PlannedPolicy& planned) {
  const AttnWork& work = planned.plan.work;
  const std::vector<FluidSpan>& spans = planned.simulated.spans;
  std::vector<int32_t> last(static_cast<size_t>(work.num_merges), -1);
  for (int32_t i = 0; i < work.num_items; ++i) {
    ForMerges(work, work.items[i], [&](int32_t merge) {
      int32_t& best = last[static_cast<size_t>(merge)];
      if (best < 0 ||
          spans[static_cast<size_t>(i)].end_us >= spans[static_cast<size_t>(best)].end_us) {
        best = i;
      }
    });
  }
  std::vector<bool> is_last(static_cast<size_t>(work.num_items));
  for (const int32_t item : last) {
    if (item >= 0) is_last[static_cast<size_t>(item)] = true;
  }
  return is_last;
}

std::string Summary(const PlannedPolicy& planned) {
  return fmt::format("{:.1f} us predicted, {:.2f}x the floor of {:.1f} us; {} items, {} parts",
                     planned.predicted_us(), planned.predicted_us() / planned.plan.floor_us,
                     planned.plan.floor_us, planned.plan.work.num_items,
                     planned.plan.counts.num_slots);
}

TimelinePanel MakePanel(const PlanReport& report, const PlannedPolicy& planned) {
  const double launch_us = report.device.launch_us;
  TimelinePanel panel{.name = planned.name,
                      .summary = Summary(planned),
                      .num_workers = report.device.num_workers,
                      .launch_us = launch_us,
                      .items_end_us = launch_us + planned.simulated.items_us,
                      .total_us = planned.predicted_us(),
                      .floor_us = planned.plan.floor_us};
  const std::vector<bool> merges = LastArrivals(planned);
  const AttnBatch batch = report.step.batch();
  for (size_t i = 0; i < planned.plan.items().size(); ++i) {
    const AttnItem& item = planned.plan.items()[i];
    const FluidSpan& span = planned.simulated.spans[i];
    panel.items.push_back({.row = item.seq,
                           .kind = KindOf(item, batch),
                           .merges = merges[i],
                           .worker = span.worker,
                           .begin_us = launch_us + span.begin_us,
                           .end_us = launch_us + span.end_us});
  }
  return panel;
}

}  // namespace

Timeline MakeTimeline(const PlanReport& report) {
  Timeline timeline{.title = "Attention of one step: " + DescribeStep(report),
                    .subtitle = Describe(report.device) + "; " + Describe(report.shape)};
  for (const PlannedPolicy& planned : report.policies) {
    timeline.panels.push_back(MakePanel(report, planned));
  }
  int32_t row = 0;
  for (const RowGroup& group : report.groups) {
    timeline.rows.push_back({.first_row = row,
                             .num_rows = group.count,
                             .kind = group.q_len == 1 ? BarKind::kDecode : BarKind::kPrefill,
                             .label = Describe(group)});
    row += group.count;
  }
  return timeline;
}

}  // namespace weir
