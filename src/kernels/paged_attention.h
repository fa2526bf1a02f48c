// SPDX-License-Identifier: Apache-2.0
//
// Causal attention of each sequence's new rows over its paged keys and values, one layer. The new
// rows' own keys and values are already in the pages. Decodes and prefills mix freely.
//
// Shapes    n sequences   rows new tokens of all, end to end   hq query heads   d head_dim
//   q, out  [rows, hq, d] bf16
//   row_begin [n + 1]  rows of sequence i are [row_begin[i], row_begin[i + 1])
//   kv_len    [n]      tokens visible to its last row, itself included; row r of q_len rows sees
//                      kv_len - q_len + r + 1 tokens
//   pages, page_begin [n + 1]  page ids of sequence i, in order of position
// Requires  hq % hkv == 0; d even, <= kMaxHeadDim; scale > 0; kv_len[i] >= q_len of i;
//           ceil(kv_len / page_len) pages listed. All values in listed pages are finite.
// Numerics  f32 scores and sums, online softmax in tiles at absolute positions, so a row's bits
//           depend on its own q, keys and values only. Scores of unseen tokens are replaced by
//           -inf. Softmax weights may be rounded to bf16 and are then divided by the sum of the
//           rounded.
#ifndef WEIR_KERNELS_PAGED_ATTENTION_H_
#define WEIR_KERNELS_PAGED_ATTENTION_H_

#include <stdint.h>

#include "kernels/kv_layout.h"
#include "tensor/dtype.h"

namespace weir {

// What one worker does at a time: query rows [q_begin, q_end) of one sequence (counted from its
// first new row) for one KV head and all query heads that share it.
struct AttnItem {
  int32_t seq;
  int32_t kv_head;
  int32_t q_begin;
  int32_t q_end;
};

struct PagedAttentionArgs {
  const Bf16* q;
  Bf16* out;
  KvPages kv;
  int32_t num_q_heads;
  float scale;
  const int32_t* row_begin;
  const int32_t* kv_len;
  const int32_t* pages;
  const int32_t* page_begin;
  const AttnItem* items;  // taken in this order by whichever worker is free
  int32_t num_items;
};

}  // namespace weir

#endif  // WEIR_KERNELS_PAGED_ATTENTION_H_
