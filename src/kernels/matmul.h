// SPDX-License-Identifier: Apache-2.0
//
// Matrix products of activations with weights that were packed once at load.
//
// Shapes    m  activation rows    n  outputs (rows of the weight as Hugging Face stores it)    k
//   x       [m, k]   bf16, row stride x_stride elements
//   w       [n, k]   bf16, packed, see PackedMatrix
//   bias    [n]      f32, or null
//   out     [m, n]   f32, row stride out_stride elements
// out = x w^T + bias, or out += x w^T + bias when `accumulate`.
// Requires  m >= 0; x_stride >= k; out_stride >= n; x and out do not overlap.
// Numerics  accumulates in f32. Each output's sum over k is taken in one order that depends on the
//           table and on (n, k) only, never on m, on the row's place or on the number of threads:
//           the same row gives the same bits in every batch. Subnormal products may be flushed.
#ifndef WEIR_KERNELS_MATMUL_H_
#define WEIR_KERNELS_MATMUL_H_

#include <stdint.h>

#include "tensor/dtype.h"

namespace weir {

inline constexpr int kPanelRows = 16;

// Counts up whenever packed bytes change their meaning: weights are kept packed on disk.
inline constexpr int kPackVersion = 1;

// Weights as panels of 16 output rows with pairs of k side by side, so that one 64-byte vector
// holds 16 outputs times 2 consecutive k: element (row, col) stands at
//   ((row / 16 * (padded_k / 2) + col / 2) * 16 + row % 16) * 2 + col % 2.
// Rows beyond n and columns beyond k are zero up to the padding. Both ends are 64-byte aligned.
struct PackedMatrix {
  const Bf16* data;
  int32_t n;
  int32_t k;
};

int64_t PaddedN(int32_t n);  // n rounded up to a multiple of 16
int64_t PaddedK(int32_t k);  // k rounded up to a multiple of 2
int64_t PackedBytes(int32_t n, int32_t k);
int64_t PackedIndex(int32_t row, int32_t col, int32_t k);  // in elements

// Packs source rows [row_begin, row_end) of a row-major [*, k] matrix of type F32, F16 or BF16 into
// the rows at `first_row` + their number of `packed` (of PackedBytes(n, k), zeroed). Several
// sources may fill one packed matrix, e.g. q, k and v; different row ranges may be packed by
// different threads at once when first_row and the range edges are multiples of 16.
struct PackRowsArgs {
  const void* source;
  DType dtype;
  int32_t k;
  int32_t row_begin;
  int32_t row_end;
  int32_t first_row;
  Bf16* packed;
};
void PackRows(const PackRowsArgs& args);

struct MatmulArgs {
  const Bf16* x;
  int64_t x_stride;
  int32_t m;
  PackedMatrix w;
  const float* bias;
  float* out;
  int64_t out_stride;
  bool accumulate;
};

}  // namespace weir

#endif  // WEIR_KERNELS_MATMUL_H_
