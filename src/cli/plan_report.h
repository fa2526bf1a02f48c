// SPDX-License-Identifier: Apache-2.0
//
// One step planned by several policies, as text for people, as JSON for programs, and as a timeline
// for a picture.
#ifndef WEIR_CLI_PLAN_REPORT_H_
#define WEIR_CLI_PLAN_REPORT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "attention/fluid_model.h"
#include "attention/planner.h"
#include "base/function_ref.h"
#include "cli/plan_rows.h"
#include "cli/plan_svg.h"

namespace weir {

struct PlannedPolicy {
  std::string name;
  std::unique_ptr<Planner> planner;  // owns the plan's memory
  AttnPlan plan;
  FluidResult simulated;
  std::vector<int32_t> first_slots;  // [merges] the number of each merge's first part in the plan

  double predicted_us() const { return simulated.total_us; }
};

struct PlanReport {
  DeviceProfile device;
  AttnShape shape;
  std::vector<RowGroup> groups;
  int32_t shared_prefix;  // tokens
  PlanStep step;
  std::vector<PlannedPolicy> policies;
};

// Plans the report's step, simulates it, and adds both.
void AddPolicy(const AttnPolicy& policy, PlanReport& report);

using TextSink = FunctionRef<void(std::string_view)>;

// `max_items` lines of each policy's items; none for 0.
void WriteText(const PlanReport& report, int64_t max_items, TextSink out);

// An object, or an array of them where `as_array`.
void WriteJson(const PlanReport& report, bool as_array, TextSink out);

Timeline MakeTimeline(const PlanReport& report);

// The number of the first part that the item writes, unique in the plan; -1: it writes the
// output itself.
int32_t SlotOf(const PlannedPolicy& planned, const AttnItem& item);

// "32 query heads, 8 KV heads, head size 128, bf16 KV".
std::string Describe(const AttnShape& shape);
// "h200: 132 multiprocessors, 264 workers, 4250 GB/s together, 35 GB/s one alone".
std::string Describe(const DeviceProfile& device);
// The groups, joined; and what they share.
std::string DescribeStep(const PlanReport& report);

}  // namespace weir

#endif  // WEIR_CLI_PLAN_REPORT_H_
