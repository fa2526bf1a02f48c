// SPDX-License-Identifier: Apache-2.0
#include "model/model.h"

#include "base/error.h"
#include "model/rope.h"

namespace weir {

Result<Model> Model::Load(const ModelConfig& config, const WeightSource& source,
                          const KernelTable& kernels, ThreadPool& pool,
                          const ModelOptions& options) {
  const int32_t max_position =
      options.max_position > 0 ? options.max_position : config.max_position;
  WEIR_ASSIGN_OR_RETURN(Weights weights, LoadWeights(config, source, pool, options.progress,
                                                     options.weight_cache, kernels.name));
  WEIR_ASSIGN_OR_RETURN(Buffer cos_sin,
                        Buffer::Allocate(int64_t{max_position} * config.rope_dim * 4));
  FillCosSin(MakeRopeFrequencies(config), max_position, cos_sin.as<float>());
  return Model(config, kernels, max_position, std::move(weights), std::move(cos_sin));
}

}  // namespace weir
