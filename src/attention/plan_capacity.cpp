// SPDX-License-Identifier: Apache-2.0
#include "attention/plan_capacity.h"

#include <algorithm>

#include "attention/router.h"
#include "attention/split_rules.h"
#include "base/check.h"

namespace weir {
namespace {

// Tokens of split rows whose segments have slots under batch invariance: 72 MiB with 32 query heads
// of 128, of which only what is used is ever touched.
constexpr int64_t kInvariantSplitTokens = 1 << 20;

// Pieces that a rule of the older generations may cut a decode row into.
int32_t MaxRuleSplits(const AttnPolicy& policy) {
  if (policy.batch_invariant && policy.splits != KvSplitRule::kFixed) return 1;
  switch (policy.splits) {
    case KvSplitRule::kFixed:
      return policy.fixed_splits;
    case KvSplitRule::kFixedGated:
      return std::max(policy.fixed_splits, kMaxHeuristicSplits);
    case KvSplitRule::kBatch:
      return kMaxBatchSplits;
    case KvSplitRule::kBatchGated:
      return kMaxHeuristicSplits;
    case KvSplitRule::kPlanned:
      break;
  }
  return 1;
}

int32_t Narrow(int64_t n) {
  WEIR_CHECK(n >= 0 && n <= INT32_MAX);
  return static_cast<int32_t>(n);
}

}  // namespace

int32_t RowsPerTile(const AttnShape& shape, const DeviceProfile& device) {
  return std::max(1, device.q_tile_rows / shape.group());
}

PlanCapacity CapacityOf(const AttnShape& shape, const DeviceProfile& device,
                        const AttnPolicy& policy, const PlannerLimits& limits) {
  const int64_t heads = shape.num_kv_heads;
  const int64_t group = shape.group();
  const int64_t workers = device.num_workers;
  PlanCapacity c = {};
  c.segment_len = policy.batch_invariant ? kSegmentLen : 0;
  c.unit_len = policy.batch_invariant ? kSegmentLen : device.tile_len;
  c.rows_per_tile = RowsPerTile(shape, device);
  const int64_t tiles = int64_t{limits.max_seqs} + limits.max_rows / c.rows_per_tile;
  const int64_t max_units = (limits.max_kv_len + c.unit_len - 1) / c.unit_len + 1;
  const int64_t rule_splits = std::min<int64_t>(MaxRuleSplits(policy), max_units);
  const int64_t invariant_rows =
      heads * group * std::min(kInvariantSplitTokens / kSegmentLen, limits.max_seqs * max_units);
  c.max_tiles = Narrow(tiles);
  c.max_runs = Narrow(tiles + limits.max_seqs);
  c.max_members = Narrow(int64_t{4} * limits.max_seqs);
  c.max_merges = Narrow(heads * tiles);
  if (policy.splits == KvSplitRule::kPlanned) {
    c.max_items = Narrow(heads * c.max_runs + (kMaxPayloadFraction + 2) * workers);
    int64_t rows =
        std::max(2 * kMaxPayloadFraction * workers * group, 2 * workers * kMaxDecodePackedRows);
    if (policy.batch_invariant) rows = std::max(rows, invariant_rows);
    c.max_decode_slot_rows = Narrow(rows);
    c.max_prefill_slot_rows =
        Narrow(workers * std::max<int64_t>(device.q_tile_rows, c.rows_per_tile * group));
  } else {
    int64_t rows = rule_splits > 1 ? heads * limits.max_seqs * rule_splits * group : 0;
    if (policy.batch_invariant && rule_splits > 1) rows = invariant_rows;
    c.max_items = Narrow(heads * (limits.max_seqs * rule_splits + tiles));
    c.max_decode_slot_rows = Narrow(rows);
  }
  return c;
}

}  // namespace weir
