// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_report.h"

#include <algorithm>
#include <fmt/format.h>

namespace weir {
namespace {

constexpr size_t kMaxGroupsInALine = 8;

PlannerLimits LimitsOf(const AttnBatch& batch) {
  return {.max_rows = batch.row_begin.back(),
          .max_seqs = batch.num_seqs(),
          .max_kv_len = *std::max_element(batch.kv_len.begin(), batch.kv_len.end())};
}

std::vector<int32_t> FirstSlots(const AttnPlan& plan) {
  std::vector<int32_t> first;
  int32_t next = 0;
  for (const AttnMerge& merge : plan.merges()) {
    first.push_back(next);
    next += merge.num_parts;
  }
  return first;
}

}  // namespace

void AddPolicy(const AttnPolicy& policy, PlanReport& report) {
  const AttnBatch batch = report.step.batch();
  PlannedPolicy planned;
  planned.name = policy.name;
  planned.planner = std::make_unique<Planner>(report.shape, report.device, policy, LimitsOf(batch));
  planned.plan = planned.planner->Plan(batch);
  planned.simulated = Simulate(FluidItems(planned.plan, batch, report.shape, report.device),
                               report.shape, report.device, planned.plan.counts.num_slot_rows);
  planned.first_slots = FirstSlots(planned.plan);
  report.policies.push_back(std::move(planned));
}

int32_t SlotOf(const PlannedPolicy& planned, const AttnItem& item) {
  int32_t merge = item.merge;
  if (item.num_members > 0) {
    merge = planned.plan.work.members[item.first_member].merge + item.kv_head;
  }
  return merge < 0 ? -1 : planned.first_slots[static_cast<size_t>(merge)] + item.part;
}

std::string Describe(const AttnShape& shape) {
  std::string text = fmt::format("{} query heads, {} KV heads, head size {}, {} KV",
                                 shape.num_q_heads, shape.num_kv_heads, shape.head_dim,
                                 shape.kv_dtype == KvDType::kBf16 ? "bf16" : "int8");
  if (shape.window > 0) text += fmt::format(", window {}", shape.window);
  if (shape.softcap) text += ", soft cap";
  if (shape.sinks) text += ", sinks";
  return text;
}

std::string Describe(const DeviceProfile& device) {
  std::string text = device.name + ": ";
  if (device.sm_count != device.num_workers) {
    text += fmt::format("{} multiprocessors, ", device.sm_count);
  }
  return text + fmt::format("{} workers, {:g} GB/s together, {:g} GB/s one alone",
                            device.num_workers, device.total_gb_s, device.worker_gb_s);
}

std::string DescribeStep(const PlanReport& report) {
  std::string text;
  const size_t num_shown = std::min(report.groups.size(), kMaxGroupsInALine);
  for (size_t i = 0; i < num_shown; ++i) text += (i == 0 ? "" : "; ") + Describe(report.groups[i]);
  if (num_shown < report.groups.size()) {
    text += fmt::format("; and {} more groups", report.groups.size() - num_shown);
  }
  if (report.shared_prefix > 0) {
    text += fmt::format("; decodes share the first {} tokens",
                        report.shared_prefix / kPlanPageLen * kPlanPageLen);
  }
  return text;
}

}  // namespace weir
