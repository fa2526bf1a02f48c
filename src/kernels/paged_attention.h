// SPDX-License-Identifier: Apache-2.0
//
// Attention of each sequence's new rows over its paged keys and values, one layer. The new rows'
// own keys and values are already in the pages. Decodes and prefills mix freely.
//
// Shapes    n sequences   rows new tokens of all, end to end   hq query heads   d head_dim
//   q, out  [rows, hq, d] bf16
//   row_begin [n + 1]  rows of sequence i are [row_begin[i], row_begin[i + 1])
//   kv_len    [n]      tokens visible to its last row, itself included; row r of q_len rows stands
//                      at position kv_len - q_len + r
//   pages, page_begin [n + 1]  page ids of sequence i, in order of position
//   sinks     [hq] f32, or null
//   slots     [slot rows of all merges, SlotRowFloats(d)] f32, 64-byte aligned; anything in it
//   counters  [num_merges]   zero before the call and after it
// Visible   the row at position p sees the tokens [max(0, p + 1 - window), p], or from 0 where
//           window is 0; up to kv_len instead of p where `causal` is false.
// Scores    s = scale * q.k; where softcap > 0: s = softcap * tanh(s / softcap). A sink is one more
//           score of its query head, whose value is zero.
// Requires  hq % hkv == 0; d even, <= kMaxHeadDim; scale > 0; window >= 0; softcap >= 0;
//           kv_len[i] >= q_len of i; ceil(kv_len / page_len) pages listed. All values (and scales)
//           in listed pages are finite. window > 0 only where causal.
// Numerics  f32 scores and sums, online softmax in tiles at positions counted from an item's first
//           key, so the bits of a row depend on its own q, keys and values and on where its keys
//           are cut (attn_work.h says how to be free of that). The reference uses double. Scores of
//           unseen tokens are replaced by -inf. Softmax weights may be rounded to bf16 and are then
//           divided by the sum of the rounded. Over int8 pages, q may be rounded to 1 / 4096 of the
//           largest of its head or better, and weights times their values' scales to 1 / 32767 of
//           the largest of a tile. A row that sees nothing is zero.
#ifndef WEIR_KERNELS_PAGED_ATTENTION_H_
#define WEIR_KERNELS_PAGED_ATTENTION_H_

#include <stdint.h>

#include "kernels/attn_work.h"
#include "kernels/kv_layout.h"
#include "tensor/dtype.h"

namespace weir {

// Floats that a row and query head of a part takes: o, then m and l, in whole vectors.
constexpr int64_t SlotRowFloats(int32_t head_dim) {
  return (int64_t{head_dim} + 15) / 16 * 16 + 16;
}

// What a model adds to plain attention.
struct AttnFeatures {
  bool causal = true;
  int32_t window = 0;            // tokens, itself included; 0: all
  float softcap = 0;             // 0: none
  const float* sinks = nullptr;  // [hq]
};

struct PagedAttentionArgs {
  const Bf16* q;
  Bf16* out;
  KvPages kv;
  int32_t num_q_heads;
  float scale;
  AttnFeatures features;
  const int32_t* row_begin;
  const int32_t* kv_len;
  const int32_t* pages;
  const int32_t* page_begin;
  AttnWork work;
  float* slots;
  int32_t* counters;
};

}  // namespace weir

#endif  // WEIR_KERNELS_PAGED_ATTENTION_H_
