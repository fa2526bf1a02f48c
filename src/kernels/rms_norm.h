// SPDX-License-Identifier: Apache-2.0
//
// Root-mean-square normalisation of rows (Zhang and Sennrich, arXiv 1910.07467):
//   out[i] = bf16(x[r] / sqrt(mean(x[r]^2) + eps) * weight), r = row_index ? row_index[i] : i
//
// Shapes    x [*, dim] f32, row stride x_stride   weight [dim] f32   row_index [rows] or null
//           out [rows, dim] bf16, dense
// Numerics  f32 inside; a row's bits depend on the row alone. Subnormal results may be flushed
//           to zero.
#ifndef WEIR_KERNELS_RMS_NORM_H_
#define WEIR_KERNELS_RMS_NORM_H_

#include <stdint.h>

#include "tensor/dtype.h"

namespace weir {

struct RmsNormArgs {
  const float* x;
  int64_t x_stride;
  const int32_t* row_index;
  int32_t rows;
  int32_t dim;
  const float* weight;
  float eps;
  Bf16* out;
};

}  // namespace weir

#endif  // WEIR_KERNELS_RMS_NORM_H_
