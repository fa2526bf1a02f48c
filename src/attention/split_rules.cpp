// SPDX-License-Identifier: Apache-2.0
#include "attention/split_rules.h"

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

constexpr int32_t kQueryTile = 128;  // rows x heads, of the library's kernel
constexpr int32_t kKeyTile = 128;    // tokens

// In floats, as published: near ties round as they do there.
float WaveEfficiency(int64_t tiles, int32_t splits, int32_t sm_count) {
  const float waves = static_cast<float>(tiles * splits) / static_cast<float>(sm_count);
  return waves / std::ceil(waves);
}

}  // namespace

int32_t SmCount(const DeviceProfile& device) {
  return device.sm_count > 0 ? device.sm_count : kFallbackSmCount;
}

int32_t BatchScaledSplits(int32_t sm_count, int32_t decode_tokens, int32_t num_kv_heads) {
  const int64_t ways = int64_t{std::max(1, decode_tokens)} * num_kv_heads;
  const int64_t splits = (sm_count + ways - 1) / ways;
  return static_cast<int32_t>(std::clamp<int64_t>(splits, 1, kMaxBatchSplits));
}

int32_t HeuristicSplits(const AttnBatch& batch, const AttnShape& shape, int32_t sm_count) {
  int32_t max_q = 0;
  int32_t max_kv = 0;
  int64_t num_seqs = 0;
  for (int32_t i = 0; i < batch.num_seqs(); ++i) {
    max_q = std::max(max_q, batch.q_len(i));
    max_kv = std::max(max_kv, batch.kv_len[i]);
    num_seqs += batch.q_len(i) > 0;
  }
  const int64_t packed = int64_t{max_q} * shape.group();
  const int64_t q_tiles = num_seqs * shape.num_kv_heads * ((packed + kQueryTile - 1) / kQueryTile);
  const int32_t kv_tiles = (max_kv + kKeyTile - 1) / kKeyTile;
  const bool fills = static_cast<float>(q_tiles) >= 0.8f * static_cast<float>(sm_count);
  if (q_tiles == 0 || fills || kv_tiles <= 4) return 1;
  const int32_t limit = std::min({kMaxHeuristicSplits, sm_count, kv_tiles});
  float best = 0;
  for (int32_t n = 1; n <= limit; ++n) best = std::max(best, WaveEfficiency(q_tiles, n, sm_count));
  int32_t splits = 1;
  while (WaveEfficiency(q_tiles, splits, sm_count) < 0.85f * best) ++splits;
  return splits;
}

}  // namespace weir
