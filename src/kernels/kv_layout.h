// SPDX-License-Identifier: Apache-2.0
//
// How one layer's keys and values lie in pages. Chosen so that pages are read by the kernels as
// they are: 16 keys form one panel of pairs along d, and values hold token pairs side by side.
//
// Shapes    P pages   hkv KV heads   s tokens per page, a multiple of 16   d head_dim, even
//   k       [P, hkv, s/16, d/2, 16, 2]   element (token t, dim i) of a head in a page stands at
//             ((t / 16 * (d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2
//   v       [P, hkv, s/2, d, 2]          element (token t, dim i) at (t / 2 * d + i) * 2 + t % 2
//   k_scale, v_scale [P, hkv, s] f32     int8 only; null for bf16
// Elements  bf16, or int8 in [-127, 127] to be multiplied by their token's scale: of each token and
//           head the largest magnitude over 127, for keys and values apart.
// A slot is page * s + offset: one token's place.
// Whoever writes the token at offset 0 of a page first zeroes the page's values of that head, and
// the scales of both, so that the unwritten tail is finite: kernels may multiply it by a weight of
// zero. Tails of keys hold anything; kernels must replace, not scale, scores of tokens beyond the
// length.
#ifndef WEIR_KERNELS_KV_LAYOUT_H_
#define WEIR_KERNELS_KV_LAYOUT_H_

#include <stdint.h>

#include "tensor/dtype.h"

namespace weir {

inline constexpr int32_t kMaxHeadDim = 4096;  // kernels keep a few rows of a head on the stack

enum class KvDType : uint8_t { kBf16, kInt8 };

constexpr int32_t BytesPerElement(KvDType dtype) { return dtype == KvDType::kBf16 ? 2 : 1; }

struct KvPages {
  void* k;
  void* v;
  float* k_scale;
  float* v_scale;
  KvDType dtype;
  int32_t num_kv_heads;
  int32_t head_dim;
  int32_t page_len;

  // Of bf16 pages.
  Bf16* k_bf16() const { return static_cast<Bf16*>(k); }
  Bf16* v_bf16() const { return static_cast<Bf16*>(v); }
  // Of int8 pages.
  int8_t* k_int8() const { return static_cast<int8_t*>(k); }
  int8_t* v_int8() const { return static_cast<int8_t*>(v); }
};

}  // namespace weir

#endif  // WEIR_KERNELS_KV_LAYOUT_H_
