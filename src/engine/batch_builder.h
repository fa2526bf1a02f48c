// SPDX-License-Identifier: Apache-2.0
//
// Turns a step's plan into the flat arrays that the model reads. Engine thread only.
#ifndef WEIR_ENGINE_BATCH_BUILDER_H_
#define WEIR_ENGINE_BATCH_BUILDER_H_

#include <cstdint>
#include <vector>

#include "engine/step_plan.h"
#include "model/forward_batch.h"

namespace weir {

class BatchBuilder {
 public:
  explicit BatchBuilder(int32_t page_len) : page_len_(page_len) {}

  // Valid until the next Build. Allocates only when a step is larger than any before it.
  ForwardBatch Build(const StepPlan& step);

 private:
  void AddPart(const StepPart& part);

  int32_t page_len_;
  std::vector<TokenId> tokens_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> row_begin_;
  std::vector<int32_t> kv_len_;
  std::vector<int32_t> pages_;
  std::vector<int32_t> page_begin_;
  std::vector<int32_t> kv_slot_;
  std::vector<int32_t> logit_rows_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_BATCH_BUILDER_H_
