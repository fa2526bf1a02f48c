// SPDX-License-Identifier: Apache-2.0
//
// A loaded model: configuration, weights and the forward pass. Const after load; whatever changes
// is passed in, so one model may serve several engines.
#ifndef WEIR_MODEL_MODEL_H_
#define WEIR_MODEL_MODEL_H_

#include <cstdint>

#include <weir/result.h>

#include "attention/attn_plan.h"
#include "attention/attn_workspace.h"
#include "kernels/kernel_table.h"
#include "kv/kv_store.h"
#include "model/forward_batch.h"
#include "model/model_config.h"
#include "model/weights.h"
#include "tensor/arena.h"
#include "tensor/stream.h"
#include "tensor/tensor.h"

namespace weir {

struct ModelOptions {
  int32_t max_position =
      0;                  // positions that requests may use; 0: as many as the model was made for
  LoadProgress progress;  // may be empty
  WeightCacheOptions weight_cache = {};
};

// Bytes of arena that a step of at most this size takes.
int64_t ArenaBytes(const ModelConfig& config, int32_t max_rows, int32_t max_logit_rows);

class Model {
 public:
  // `kernels` must be complete (CompleteTable).
  static Result<Model> Load(const ModelConfig& config, const WeightSource& source,
                            const KernelTable& kernels, ThreadPool& pool,
                            const ModelOptions& options);

  // One step for the whole batch: writes the new rows' keys and values into `kv` and returns
  // f32 logits [logit_rows, vocab] in `arena`, valid until it is rewound.
  // Requires: positions below max_position; the plan was made for this batch, and `workspace` for
  // the planner that made it.
  Tensor Forward(const ForwardBatch& batch, const AttnPlan& plan, const AttnWorkspace& workspace,
                 const KvStore& kv, Arena& arena, Stream stream) const;

  const ModelConfig& config() const { return config_; }
  int32_t max_position() const { return max_position_; }
  int64_t weight_bytes() const { return weights_.num_bytes; }

 private:
  Model(const ModelConfig& config, const KernelTable& kernels, int32_t max_position,
        Weights weights, Buffer cos_sin)
      : config_(config),
        kernels_(kernels),
        max_position_(max_position),
        weights_(std::move(weights)),
        cos_sin_(std::move(cos_sin)) {}

  ModelConfig config_;
  KernelTable kernels_;
  int32_t max_position_;
  Weights weights_;
  Buffer cos_sin_;  // f32 [max_position, rope_dim]
};

}  // namespace weir

#endif  // WEIR_MODEL_MODEL_H_
