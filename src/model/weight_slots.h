// SPDX-License-Identifier: Apache-2.0
//
// Which named tensor goes where: the Hugging Face names of a dense decoder and their slots in one
// buffer. Laying out is separate from loading, so that sizes are known before memory is taken.
#ifndef WEIR_MODEL_WEIGHT_SLOTS_H_
#define WEIR_MODEL_WEIGHT_SLOTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "model/weights.h"

namespace weir {

// One source tensor and its place.
struct MatrixSlot {
  std::string name;
  int32_t rows;
  int32_t cols;
  int64_t at;         // byte offset of the packed matrix in the buffer
  int32_t first_row;  // row of the packed matrix that takes the tensor's row 0
};
struct VectorSlot {
  std::string name;
  int32_t size;
  int64_t at;  // byte offset of its first f32
};

struct WeightSlots {
  std::vector<MatrixSlot> matrices;
  std::vector<VectorSlot> vectors;
  int64_t num_bytes;
};

// Fills `weights` with pointers relative to `base` (which may be null when only sizes are wanted).
WeightSlots LayOutWeights(const ModelConfig& config, const std::byte* base, Weights& weights);

}  // namespace weir

#endif  // WEIR_MODEL_WEIGHT_SLOTS_H_
