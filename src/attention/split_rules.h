// SPDX-License-Identifier: Apache-2.0
//
// Split counts as the older generations choose them: one number for all decode rows of a step.
#ifndef WEIR_ATTENTION_SPLIT_RULES_H_
#define WEIR_ATTENTION_SPLIT_RULES_H_

#include <cstdint>

#include "attention/attn_plan.h"
#include "attention/attn_shape.h"
#include "attention/device_profile.h"

namespace weir {

inline constexpr int32_t kMaxBatchSplits = 32;
inline constexpr int32_t kMaxHeuristicSplits = 128;
inline constexpr int32_t kFallbackSmCount = 60;  // where the device does not say

int32_t SmCount(const DeviceProfile& device);

// clamp(ceil(SMs / (decode tokens x KV heads)), 1, 32): MooreThreads/vllm-musa#85.
int32_t BatchScaledSplits(int32_t sm_count, int32_t decode_tokens, int32_t num_kv_heads);

// Stands for the kernel library's own choice: FlashAttention-3's published rule
// (hopper/heuristics.h of Dao-AILab/flash-attention). Split only where the query tiles leave a
// fifth of the multiprocessors idle and the longest row has more than four tiles; then the least
// count whose waves are within 85 % of the best filled.
int32_t HeuristicSplits(const AttnBatch& batch, const AttnShape& shape, int32_t sm_count);

}  // namespace weir

#endif  // WEIR_ATTENTION_SPLIT_RULES_H_
