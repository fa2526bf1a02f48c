// SPDX-License-Identifier: Apache-2.0
//
// A model's weights, packed once for the kernels into one buffer. Const after load.
#ifndef WEIR_MODEL_WEIGHTS_H_
#define WEIR_MODEL_WEIGHTS_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "base/mapped_file.h"
#include "base/thread_pool.h"
#include "kernels/matmul.h"
#include "loader/weight_source.h"
#include "model/model_config.h"
#include "model/weight_cache.h"
#include "tensor/buffer.h"

namespace weir {

// Null pointers stand for what the architecture does not have.
struct LayerWeights {
  const float* attn_norm;     // [hidden]
  PackedMatrix qkv;           // [(hq + 2 hkv) d, hidden]: q, k, v
  const float* qkv_bias;      // [(hq + 2 hkv) d]
  const float* q_norm;        // [d]
  const float* k_norm;        // [d]
  PackedMatrix o;             // [hidden, hq d]
  const float* o_bias;        // [hidden]
  const float* mlp_norm;      // [hidden]
  PackedMatrix gate_up;       // [2 intermediate, hidden]: gate, up
  const float* gate_up_bias;  // [2 intermediate]
  PackedMatrix down;          // [hidden, intermediate]
  const float* down_bias;     // [hidden]
};

struct Weights {
  Buffer memory;                     // what everything below points into, or
  std::optional<MappedFile> mapped;  // the same from the cache
  int64_t num_bytes;
  std::unique_ptr<WeightCacheWriter> writer;  // reads `memory`; null when nothing is being written
  PackedMatrix embed;                         // [vocab, hidden]
  std::vector<LayerWeights> layers;
  const float* final_norm;  // [hidden]
  PackedMatrix lm_head;     // [vocab, hidden]; equal to embed in a tied model
};

// Bytes that packed weights of this shape take.
int64_t WeightBytes(const ModelConfig& config);

// Called from the loading thread now and then with the bytes packed so far.
using LoadProgress = std::function<void(int64_t done_bytes, int64_t total_bytes)>;

// Every tensor must exist with the shape that the config implies; tensors that no slot wants are an
// error too, because they mean that the model is not what its config says. Packs in ranges of rows,
// so the memory beyond the packed weights is a few MiB per thread. With a cache, weights that it
// holds are mapped, others are written to it while they are used. `kernels` names the table that
// the form of packing belongs to. Small models are not cached: packing them takes no time.
Result<Weights> LoadWeights(const ModelConfig& config, const WeightSource& source, ThreadPool& pool,
                            const LoadProgress& progress, const WeightCacheOptions& cache = {},
                            std::string_view kernels = {});

}  // namespace weir

#endif  // WEIR_MODEL_WEIGHTS_H_
