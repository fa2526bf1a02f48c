// SPDX-License-Identifier: Apache-2.0
//
// A plan report as text.
#include <algorithm>
#include <fmt/format.h>
#include <string_view>

#include "cli/plan_report.h"

namespace weir {
namespace {

std::string Range(int32_t begin, int32_t end) {
  return end - begin == 1 ? std::to_string(begin) : fmt::format("{}-{}", begin, end - 1);
}

// Of the policy "weir", or of the last one where that was not asked for.
const PlannedPolicy& Yardstick(const PlanReport& report) {
  for (const PlannedPolicy& planned : report.policies) {
    if (planned.name == "weir") return planned;
  }
  return report.policies.back();
}

void WritePolicies(const PlanReport& report, TextSink out) {
  const PlannedPolicy& yardstick = Yardstick(report);
  size_t width = 6;
  for (const PlannedPolicy& planned : report.policies) width = std::max(width, planned.name.size());
  out(fmt::format("\n{:<{}}  predicted us  over floor  {:>10}  {:>8}  {:>6}\n", "policy", width,
                  "over " + yardstick.name.substr(0, 5), "items", "parts"));
  for (const PlannedPolicy& planned : report.policies) {
    const double us = planned.predicted_us();
    out(fmt::format("{:<{}}  {:>12.1f}  {:>9.2f}x  {:>9.2f}x  {:>8}  {:>6}\n", planned.name, width,
                    us, us / planned.plan.floor_us, us / yardstick.predicted_us(),
                    planned.plan.work.num_items, planned.plan.counts.num_slots));
  }
}

bool Same(const AttnDecision& a, const AttnDecision& b) {
  return a.route == b.route && a.splits == b.splits &&
         std::string_view(a.reason) == std::string_view(b.reason);
}

// One line for sequences of a group that follow each other and are treated alike.
void WriteDecisions(const PlanReport& report, const PlannedPolicy& planned, TextSink out) {
  out(fmt::format("\n{}\n  {:<11} {:<30} {:<8} {:>6}  {}\n", planned.name, "rows", "lengths",
                  "route", "splits", "reason"));
  int32_t row = 0;
  for (const RowGroup& group : report.groups) {
    const int32_t end = row + group.count;
    while (row < end) {
      const AttnDecision& decision = planned.plan.decisions[static_cast<size_t>(row)];
      int32_t last = row + 1;
      while (last < end && Same(decision, planned.plan.decisions[static_cast<size_t>(last)]))
        ++last;
      RowGroup alike = group;
      alike.count = last - row;
      out(fmt::format("  {:<11} {:<30} {:<8} {:>6}  {}\n", Range(row, last), Describe(alike),
                      ToString(decision.route), decision.splits, decision.reason));
      row = last;
    }
  }
}

std::string ItemLine(const PlannedPolicy& planned, double launch_us, size_t index) {
  const AttnItem& item = planned.plan.items()[index];
  const FluidSpan& span = planned.simulated.spans[index];
  const int32_t slot = SlotOf(planned, item);
  const bool shared = item.num_members > 0;
  return fmt::format(
      "  {:>7} {:>6} {:>7} {:>13} {:>17} {:<8} {:>6} {:>7} {:>9.1f} {:>9.1f}\n", index,
      shared ? fmt::format("{}*{}", item.seq, item.num_members) : std::to_string(item.seq),
      item.kv_head, shared ? "all" : Range(item.q_begin, item.q_end),
      Range(item.kv_begin, item.kv_end), ToString(item.route),
      slot < 0 ? "-" : std::to_string(slot), span.worker, launch_us + span.begin_us,
      launch_us + span.end_us);
}

void WriteItems(const PlanReport& report, const PlannedPolicy& planned, int64_t max_items,
                TextSink out) {
  const size_t num_items = planned.plan.items().size();
  const size_t num_shown = static_cast<size_t>(std::min<int64_t>(num_items, max_items));
  out(fmt::format("  {:>7} {:>6} {:>7} {:>13} {:>17} {:<8} {:>6} {:>7} {:>9} {:>9}\n", "item",
                  "row", "KV head", "new tokens", "keys", "route", "part", "worker", "begin us",
                  "end us"));
  for (size_t i = 0; i < num_shown; ++i) out(ItemLine(planned, report.device.launch_us, i));
  if (num_shown < num_items) {
    out(fmt::format("  ... {} more, see --items=all\n", num_items - num_shown));
  }
}

}  // namespace

void WriteText(const PlanReport& report, int64_t max_items, TextSink out) {
  out(
      fmt::format("device  {}\nshape   {}\nstep    {}\nfloor   {:.1f} us: bytes over bandwidth or "
                  "flops over peak, whichever is more\n",
                  Describe(report.device), Describe(report.shape), DescribeStep(report),
                  report.policies.front().plan.floor_us));
  WritePolicies(report, out);
  for (const PlannedPolicy& planned : report.policies) {
    WriteDecisions(report, planned, out);
    if (max_items > 0) WriteItems(report, planned, max_items, out);
  }
}

}  // namespace weir
