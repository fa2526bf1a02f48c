// SPDX-License-Identifier: Apache-2.0
//
// The memory that the plans of one planner need besides themselves: partial results and merge
// counters. Taken once, for the largest plan; pages of it are touched when they are first used.
#ifndef WEIR_ATTENTION_ATTN_WORKSPACE_H_
#define WEIR_ATTENTION_ATTN_WORKSPACE_H_

#include <cstdint>
#include <utility>

#include <weir/result.h>

#include "attention/attn_shape.h"
#include "attention/plan_capacity.h"
#include "tensor/buffer.h"

namespace weir {

class AttnWorkspace {
 public:
  static Result<AttnWorkspace> Allocate(const AttnShape& shape, const PlanCapacity& capacity);

  float* slots() const { return slots_.as<float>(); }
  int32_t* counters() const { return counters_.as<int32_t>(); }  // zero between calls
  int64_t num_bytes() const { return slots_.num_bytes() + counters_.num_bytes(); }

 private:
  AttnWorkspace(Buffer slots, Buffer counters)
      : slots_(std::move(slots)), counters_(std::move(counters)) {}

  Buffer slots_;
  Buffer counters_;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_ATTN_WORKSPACE_H_
