// SPDX-License-Identifier: Apache-2.0
//
// How large a plan can get, in closed form, so that its memory is taken once and its addresses can
// be baked into captured graphs.
#ifndef WEIR_ATTENTION_PLAN_CAPACITY_H_
#define WEIR_ATTENTION_PLAN_CAPACITY_H_

#include <cstdint>

#include "attention/attn_shape.h"
#include "attention/device_profile.h"
#include "attention/policy.h"

namespace weir {

struct PlannerLimits {
  int32_t max_rows;    // new tokens per step
  int32_t max_seqs;    // sequences per step
  int32_t max_kv_len;  // tokens
};

// Tokens of a numerical segment under batch invariance: cuts fall on its multiples only, and each
// is computed from scratch.
inline constexpr int32_t kSegmentLen = 256;

// Payloads are at least a worker's share of the batch over this.
inline constexpr int32_t kMaxPayloadFraction = 6;

// Query rows that an item of a prefill packs.
int32_t RowsPerTile(const AttnShape& shape, const DeviceProfile& device);

// Rows of partial results, by what wrote them.
struct SlotRows {
  int64_t decode;
  int64_t prefill;
};

struct PlanCapacity {
  int32_t segment_len;  // tokens; 0 without batch invariance
  int32_t unit_len;     // tokens that cuts are multiples of
  int32_t rows_per_tile;
  int32_t max_tiles;
  int32_t max_runs;
  int32_t max_members;
  int32_t max_items;
  int32_t max_merges;
  int32_t max_decode_slot_rows;
  int32_t max_prefill_slot_rows;

  int32_t max_slot_rows() const { return max_decode_slot_rows + max_prefill_slot_rows; }
};

// With W workers, G query heads per KV head, Hk KV heads, R sequences, f = kMaxPayloadFraction:
//   tiles   R + rows / rows_per_tile
//   runs    tiles + R      a row's own keys, and at most R stretches that rows share
//   items   Hk runs + f W + 2 W      a payload of at least N / (f W) of N units leaves at most f W
//                                    items beyond one per run; prefills add at most 2 W
//   slots   decodes: max(2 f W G, 2 W kMaxDecodePackedRows) rows: a row longer than the payload P
//           has fewer than 2 n / P pieces, so this is enough for rows of one new token;
//           prefills: W q_tile_rows rows; under batch invariance decodes get a row per query
//           head and segment of a million tokens. Where a plan needs more, its payload is raised
//           until it fits.
// Rules that give a number of splits instead have items and slots for that number. Under batch
// invariance they have slots as above, and the number is lowered until it fits.
PlanCapacity CapacityOf(const AttnShape& shape, const DeviceProfile& device,
                        const AttnPolicy& policy, const PlannerLimits& limits);

}  // namespace weir

#endif  // WEIR_ATTENTION_PLAN_CAPACITY_H_
