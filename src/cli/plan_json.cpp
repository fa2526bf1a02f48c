// SPDX-License-Identifier: Apache-2.0
//
// A plan report as JSON. Written piece by piece: a plan may hold millions of items.
#include <fmt/format.h>

#include "base/json.h"
#include "cli/plan_report.h"

namespace weir {
namespace {

std::string Quoted(std::string_view text) { return DumpJson(Json(std::string(text))); }

std::string DecisionJson(const AttnDecision& decision) {
  return fmt::format(R"({{"route":{},"reason":{},"splits":{}}})", Quoted(ToString(decision.route)),
                     Quoted(decision.reason), decision.splits);
}

// The rows that read a shared item's keys; a row's own item is read by it alone.
std::string SharedRows(const AttnWork& work, const AttnItem& item) {
  std::string rows;
  for (int32_t i = 0; i < item.num_members; ++i) {
    rows += fmt::format("{}{}", i == 0 ? "" : ",", work.members[item.first_member + i].seq);
  }
  return rows;
}

std::string ItemJson(const PlannedPolicy& planned, size_t index) {
  const AttnItem& item = planned.plan.items()[index];
  return fmt::format(
      R"({{"row":{},"kv_head":{},"kv_begin":{},"kv_end":{},"q_begin":{},"q_end":{},"route":{},)"
      R"("worker_order":{},"slot":{},"shared_rows":[{}]}})",
      item.seq, item.kv_head, item.kv_begin, item.kv_end, item.q_begin, item.q_end,
      Quoted(ToString(item.route)), index, SlotOf(planned, item),
      SharedRows(planned.plan.work, item));
}

void WritePolicy(const PlannedPolicy& planned, TextSink out) {
  const AttnPlan& plan = planned.plan;
  out(fmt::format(R"({{"policy":{},"predicted_us":{},"floor_us":{},"num_items":{},"num_slots":{},)",
                  Quoted(planned.name), DumpJson(planned.predicted_us()), DumpJson(plan.floor_us),
                  plan.work.num_items, plan.counts.num_slots));
  out("\"rows\":[");
  for (size_t i = 0; i < plan.decisions.size(); ++i) {
    out((i == 0 ? "" : ",") + DecisionJson(plan.decisions[i]));
  }
  out("],\"items\":[");
  for (size_t i = 0; i < plan.items().size(); ++i) {
    out((i == 0 ? "" : ",") + ItemJson(planned, i));
  }
  out("]}");
}

}  // namespace

void WriteJson(const PlanReport& report, bool as_array, TextSink out) {
  if (as_array) out("[");
  for (size_t i = 0; i < report.policies.size(); ++i) {
    if (i > 0) out(",");
    WritePolicy(report.policies[i], out);
  }
  out(as_array ? "]\n" : "\n");
}

}  // namespace weir
