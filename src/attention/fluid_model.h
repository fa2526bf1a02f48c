// SPDX-License-Identifier: Apache-2.0
//
// How long a list of items takes on a device, without the device. Workers take items in order.
// Each item first spends its fixed cost without using memory, then reads its bytes, at
// worker_gb_s or an equal share of total_gb_s, whichever is less, or computes its flops, whichever
// takes longer. The call adds its launch, and the merge where any row is split.
//
// It ranks plans; it does not promise microseconds. With five constants fitted to eight published
// FlashAttention-3 decode times (vllm-project/vllm#43232) its rms log error is 2.4 %.
#ifndef WEIR_ATTENTION_FLUID_MODEL_H_
#define WEIR_ATTENTION_FLUID_MODEL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attention/attn_plan.h"
#include "attention/attn_shape.h"
#include "attention/device_profile.h"

namespace weir {

// One item's demand.
struct FluidItem {
  double bytes;  // read from memory
  double flops;
  double gflop_s;  // of the worker in this item
};

// What the items of a plan ask for. `batch` must be the one that was planned.
std::vector<FluidItem> FluidItems(const AttnPlan& plan, const AttnBatch& batch,
                                  const AttnShape& shape, const DeviceProfile& device);

// When and by whom each item ran, for pictures.
struct FluidSpan {
  int32_t worker;
  double begin_us;  // from the first item's start
  double end_us;
};

struct FluidResult {
  double total_us;               // launch and merge included
  double items_us;               // until the last item ends
  double merge_us;               // fixed cost and traffic of the parts
  std::vector<FluidSpan> spans;  // by item
};

// Fixed cost and traffic of the parts; 0 where there are none.
double MergeUs(const AttnShape& shape, const DeviceProfile& device, int64_t num_slot_rows);

// Event simulation, exact in the model: O(items log workers). `num_slot_rows` is the plan's.
FluidResult Simulate(std::span<const FluidItem> items, const AttnShape& shape,
                     const DeviceProfile& device, int32_t num_slot_rows);

// Items of equal size, for Predict.
struct FluidClass {
  double bytes;
  double compute_us;  // 0: bound by memory
  int64_t count;
};

// The same, quickly and approximately: list scheduling of whole classes in the order given, all
// workers at one rate. Allocates nothing after the first call of its largest size.
class FluidPredictor {
 public:
  explicit FluidPredictor(const DeviceProfile& device);

  // Microseconds until the last item ends, launch and merge not included.
  double ItemsUs(std::span<const FluidClass> classes);

 private:
  struct Finish {
    double at;  // in service space: bytes at the rate of full occupancy
    int64_t workers;
  };
  double BusyRate(std::span<const FluidClass> classes) const;
  int64_t TakeFirst(int64_t most, double service);
  double LastFinish() const;
  double IntegrateFinishes();

  double total_;  // bytes per microsecond
  double worker_;
  double item_us_;
  int32_t num_workers_;
  std::vector<Finish> heap_;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_FLUID_MODEL_H_
