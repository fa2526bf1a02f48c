// SPDX-License-Identifier: Apache-2.0
//
// What planning takes and gives.
#ifndef WEIR_ATTENTION_ATTN_PLAN_H_
#define WEIR_ATTENTION_ATTN_PLAN_H_

#include <cstdint>
#include <span>

#include "kernels/attn_work.h"

namespace weir {

// One step's sequences, as in ForwardBatch. `pages` may be empty: then no row shares any.
struct AttnBatch {
  std::span<const int32_t> row_begin;   // [seqs + 1]  new rows of sequence i
  std::span<const int32_t> kv_len;      // [seqs]      tokens after this step
  std::span<const int32_t> pages;       // page ids of all sequences, end to end
  std::span<const int32_t> page_begin;  // [seqs + 1]  slice of `pages` per sequence
  int32_t page_len = 16;                // tokens

  int32_t num_seqs() const { return static_cast<int32_t>(kv_len.size()); }
  int32_t q_len(int32_t seq) const { return row_begin[seq + 1] - row_begin[seq]; }
  int32_t cached(int32_t seq) const { return kv_len[seq] - q_len(seq); }
};

// Why a sequence took its route: one of a fixed list of sentences.
struct AttnDecision {
  AttnRoute route;
  const char* reason;
  int32_t splits;  // pieces that its keys are cut into, per KV head; of a prefill the most of any
                   // of its items
};

struct AttnCounts {
  int32_t num_seqs[5];   // by AttnRoute
  int32_t num_items[5];  // by AttnRoute
  int32_t num_shared_items;
  int32_t num_slots;  // partial results
  int32_t num_slot_rows;
};

// Valid until the planner plans again.
struct AttnPlan {
  AttnWork work;
  std::span<const AttnDecision> decisions;  // [seqs]
  AttnCounts counts;
  double predicted_us;  // by the fluid model
  double floor_us;      // bytes over bandwidth or flops over peak, whichever is more

  std::span<const AttnItem> items() const {
    return {work.items, static_cast<size_t>(work.num_items)};
  }
  std::span<const AttnMerge> merges() const {
    return {work.merges, static_cast<size_t>(work.num_merges)};
  }
};

const char* ToString(AttnRoute route);

}  // namespace weir

#endif  // WEIR_ATTENTION_ATTN_PLAN_H_
