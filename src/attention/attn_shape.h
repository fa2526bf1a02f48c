// SPDX-License-Identifier: Apache-2.0
//
// What planning needs to know of a model's attention.
#ifndef WEIR_ATTENTION_ATTN_SHAPE_H_
#define WEIR_ATTENTION_ATTN_SHAPE_H_

#include <cstdint>

#include "kernels/kv_layout.h"

namespace weir {

struct AttnShape {
  int32_t num_q_heads;
  int32_t num_kv_heads;  // of this rank
  int32_t head_dim;
  KvDType kv_dtype = KvDType::kBf16;
  int32_t window = 0;  // tokens; 0: all
  bool softcap = false;
  bool sinks = false;
  bool causal = true;

  int32_t group() const { return num_q_heads / num_kv_heads; }
  // Keys and values of one token and KV head, with their scales.
  int64_t token_bytes() const {
    const int64_t scale = kv_dtype == KvDType::kInt8 ? 4 : 0;
    return 2 * (int64_t{head_dim} * BytesPerElement(kv_dtype) + scale);
  }
};

}  // namespace weir

#endif  // WEIR_ATTENTION_ATTN_SHAPE_H_
