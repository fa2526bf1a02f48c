// SPDX-License-Identifier: Apache-2.0
//
// The gate of a SwiGLU MLP: out[i][j] = bf16(silu(gate) * up), silu(z) = z / (1 + exp(-z)).
//
// Shapes    gate_up [rows, 2 * dim] f32: the gate's dim values, then up's   out [rows, dim] bf16
// Numerics  f32 inside, relative error of exp at most 2^-20; large |z| saturates, never NaN for
//           finite input; silu(z) below 2^-120 in magnitude (z < -87) may come out as zero.
#ifndef WEIR_KERNELS_SILU_MUL_H_
#define WEIR_KERNELS_SILU_MUL_H_

#include <stdint.h>

#include "tensor/dtype.h"

namespace weir {

struct SiluMulArgs {
  const float* gate_up;
  int32_t rows;
  int32_t dim;
  Bf16* out;
};

}  // namespace weir

#endif  // WEIR_KERNELS_SILU_MUL_H_
