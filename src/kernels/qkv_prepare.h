// SPDX-License-Identifier: Apache-2.0
//
// Everything between the QKV product and attention, in one pass over the rows: optional RMS norm
// per head of q and k (Qwen3), rotary embedding (Su et al., arXiv 2104.09864, halves rotated as in
// Hugging Face's rotate_half), rounding of q to bf16 and of k and v to what their pages hold, and
// appending them.
//
// Shapes    qkv      [rows, (hq + 2 hkv) * d] f32: q heads, then k heads, then v heads
//           q_norm, k_norm [d] f32, or both null
//           cos_sin  [max_position, rope_dim] f32: rope_dim/2 cosines, then rope_dim/2 sines
//           positions [rows]   kv_slot [rows], -1 where nothing is to be stored
//           q_out    [rows, hq, d] bf16
// The first rope_dim dimensions of a head are rotated, pair (i, i + rope_dim/2) by angle i; the
// rest pass. q is not scaled here. Requires  0 <= positions[r] < max_position; rope_dim even, <= d;
// d even, <= kMaxHeadDim. Rows that
//           go to one page are adjacent, in ascending order of slot: one worker writes them all.
// Numerics  f32 until the one rounding; a row's bits depend on the row alone. Subnormal results may
//           be flushed to zero. int8 is rounded to nearest from x / scale, so it is off by at most
//           0.5001 scales; a head whose magnitudes are all below kLeastInt8Magnitude is zero.
#ifndef WEIR_KERNELS_QKV_PREPARE_H_
#define WEIR_KERNELS_QKV_PREPARE_H_

#include <stdint.h>

#include "kernels/kv_layout.h"
#include "tensor/dtype.h"

namespace weir {

inline constexpr float kLeastInt8Magnitude = 1e-30f;  // 127 over it is still finite

struct QkvPrepareArgs {
  const float* qkv;
  int32_t rows;
  int32_t num_q_heads;
  const float* q_norm;
  const float* k_norm;
  float eps;
  const float* cos_sin;
  int32_t rope_dim;
  const int32_t* positions;
  const int32_t* kv_slot;
  KvPages kv;
  Bf16* q_out;
};

}  // namespace weir

#endif  // WEIR_KERNELS_QKV_PREPARE_H_
