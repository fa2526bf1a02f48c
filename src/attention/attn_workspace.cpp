// SPDX-License-Identifier: Apache-2.0
#include "attention/attn_workspace.h"

#include "base/error.h"
#include "kernels/paged_attention.h"

namespace weir {

Result<AttnWorkspace> AttnWorkspace::Allocate(const AttnShape& shape,
                                              const PlanCapacity& capacity) {
  const auto row_bytes = SlotRowFloats(shape.head_dim) * static_cast<int64_t>(sizeof(float));
  WEIR_ASSIGN_OR_RETURN(Buffer slots, Buffer::Allocate(capacity.max_slot_rows() * row_bytes));
  WEIR_ASSIGN_OR_RETURN(Buffer counters, Buffer::Allocate(capacity.max_merges *
                                                          static_cast<int64_t>(sizeof(int32_t))));
  return AttnWorkspace(std::move(slots), std::move(counters));
}

}  // namespace weir
