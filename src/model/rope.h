// SPDX-License-Identifier: Apache-2.0
//
// The angles of rotary position embedding, with the scalings that Hugging Face configs name.
#ifndef WEIR_MODEL_ROPE_H_
#define WEIR_MODEL_ROPE_H_

#include <cstdint>
#include <vector>

#include "model/model_config.h"

namespace weir {

struct RopeFrequencies {
  std::vector<double> inverse;  // [rope_dim / 2] radians per position
  double attention_factor;      // multiplies cosines and sines (YaRN), else 1
};

// Plain: Su et al., arXiv 2104.09864. Linear: positions divided by `factor`. llama3: the
// wavelength-dependent rule of Llama 3.1. YaRN: Peng et al., arXiv 2309.00071, with the ramp bounds
// rounded outwards, as `transformers` does.
RopeFrequencies MakeRopeFrequencies(const ModelConfig& config);

// out [num_positions, rope_dim]: rope_dim/2 cosines, then as many sines. Computed in double.
void FillCosSin(const RopeFrequencies& frequencies, int32_t num_positions, float* out);

}  // namespace weir

#endif  // WEIR_MODEL_ROPE_H_
