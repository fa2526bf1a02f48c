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

struct BatchLimits {
  int32_t page_len;   // tokens per page
  int32_t max_rows;   // new tokens per step
  int32_t max_seqs;   // sequences per step
  int32_t num_pages;  // in the pool
};

class BatchBuilder {
 public:
  // Takes the memory that the largest step needs.
  explicit BatchBuilder(const BatchLimits& limits);

  // Valid until the next Build.
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
