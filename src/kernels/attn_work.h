// SPDX-License-Identifier: Apache-2.0
//
// What an attention plan hands to the kernels: work items, how the partial results of split rows
// are joined, and which sequences share an item. attention/planner fills it; every backend reads
// it. Device-visible: plain data.
//
// Words     item    what one worker does at a time
//           part    the partial result of some rows over some of their keys: the unnormalised
//                   output o, the largest score m and the sum l of the weights
//           merge   the joining of all parts of some rows, by whichever worker finishes the last
//                   item of them, in ascending order of position: no barrier, and the same bits
//                   whoever comes last
#ifndef WEIR_KERNELS_ATTN_WORK_H_
#define WEIR_KERNELS_ATTN_WORK_H_

#include <stdint.h>

namespace weir {

// Which kernel a row takes. On a backend where pages are what the kernels read anyway, as on the
// CPU, the inner loops are the same and a route says only how the work was cut.
enum class AttnRoute : uint8_t {
  kNone,    // no new row: nothing to do
  kDecode,  // paged split-KV: few new rows over many keys
  kFresh,   // varlen causal over the new rows' own keys, which are all there are
  kPrefix,  // new rows over a cached prefix and themselves
  kVarlen,  // paged varlen: any mix of rows in one call, as older engines do it
};

// Query rows [q_begin, q_end) of one sequence, counted from its first new row, for one KV head and
// all query heads that share it, over the keys at [kv_begin, kv_end).
//
// A shared item serves several sequences that hold the same pages: all new rows of `num_members`
// members, each a class of its own in the merge table. Then `seq` is the sequence whose page table
// is used, q_begin = q_end = 0, and every row sees all of [kv_begin, kv_end).
struct AttnItem {
  int32_t seq;
  int32_t kv_head;
  int32_t q_begin;
  int32_t q_end;
  int32_t kv_begin;      // tokens; a multiple of 16, and of segment_len where there is one
  int32_t kv_end;        // tokens; keys beyond what a row sees are ignored
  int32_t merge;         // the merge that its rows belong to; -1: the item has all their keys and
                         // writes the output. A shared item: -1, its members say
  int32_t part;          // the first part that it writes, counted within the merge; 0 where none
  int32_t first_member;  // of a shared item
  int32_t num_members;   // 0: not shared
  AttnRoute route;
};

// Rows [q_begin, q_end) of one sequence and the query heads of one KV head. Its parts stand end to
// end from `first_slot_row`, each of (q_end - q_begin) * group slot rows: row-major, heads inside.
struct AttnMerge {
  int32_t seq;
  int32_t kv_head;
  int32_t q_begin;
  int32_t q_end;
  int32_t first_slot_row;
  int32_t num_parts;
  int32_t num_items;  // that arrive before the last one merges
};

struct AttnMember {
  int32_t seq;
  int32_t merge;  // of KV head 0; the merge of KV head h is merge + h
};

// Numerics  With segment_len == 0 an item folds its keys into one part. Otherwise keys are cut at
//           multiples of segment_len from position 0, each segment is computed from scratch, and
//           segments are folded one by one in ascending order: an item with part == 0 (the first of
//           its rows' keys, or all of them) folds its run in registers and writes one part or the
//           output, any other writes one part per segment. So bits do not depend on how runs were
//           cut, and the fold in registers and the fold of parts must be one function. A segment
//           of which a row sees nothing leaves it as it was, bit for bit.
struct AttnWork {
  const AttnItem* items;  // taken in this order by whichever worker is free
  int32_t num_items;
  const AttnMerge* merges;
  int32_t num_merges;
  const AttnMember* members;
  int32_t segment_len;  // tokens; 0: none
};

}  // namespace weir

#endif  // WEIR_KERNELS_ATTN_WORK_H_
