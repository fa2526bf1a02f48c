// SPDX-License-Identifier: Apache-2.0
//
// The packed rows of a work item: its query rows times the query heads that share its KV head, of
// one sequence or of all members one after another (row-major, heads inside), with the keys that
// each sees and the places where its results go. Included by the files that are compiled for one
// instruction set only.
#ifndef WEIR_KERNELS_CPU_ATTENTION_ROWS_INL_H_
#define WEIR_KERNELS_CPU_ATTENTION_ROWS_INL_H_

#include <stdint.h>

#include "kernels/paged_attention.h"

namespace weir::cpu {
namespace {

int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
int64_t Max(int64_t a, int64_t b) { return a > b ? a : b; }

struct PackedRow {
  int64_t at;           // its first element in q and out
  int64_t begin;        // keys that it sees
  int64_t end;          // not beyond the item's
  float sink;           // -inf: none
  float* slot;          // of the item's first part; null: the item writes `out`
  int64_t part_stride;  // floats from a part to the next
};

// The slot of a row and query head in the first part of its merge.
float* MergeSlot(const PagedAttentionArgs& args, const AttnMerge& merge, int64_t row,
                 int64_t head) {
  const int64_t group = args.num_q_heads / args.kv.num_kv_heads;
  return args.slots + (merge.first_slot_row + (row - merge.q_begin) * group + head) *
                          SlotRowFloats(args.kv.head_dim);
}

int64_t PartStride(const PagedAttentionArgs& args, const AttnMerge& merge) {
  const int64_t group = args.num_q_heads / args.kv.num_kv_heads;
  return (int64_t{merge.q_end} - merge.q_begin) * group * SlotRowFloats(args.kv.head_dim);
}

// Of the head `head` in the group of a KV head.
float SinkOf(const PagedAttentionArgs& args, int64_t kv_head, int64_t head) {
  const int64_t group = args.num_q_heads / args.kv.num_kv_heads;
  const float* sinks = args.features.sinks;
  return sinks != nullptr ? sinks[kv_head * group + head] : -__builtin_inff();
}

int64_t OutOffset(const PagedAttentionArgs& args, int64_t seq, int64_t row, int64_t q_head) {
  return ((args.row_begin[seq] + row) * args.num_q_heads + q_head) * args.kv.head_dim;
}

// Hands out the packed rows of an item, one after another.
class RowCursor {
 public:
  RowCursor(const PagedAttentionArgs& args, const AttnItem& item)
      : args_(args), item_(item), group_(args.num_q_heads / args.kv.num_kv_heads) {
    if (item.num_members > 0) {
      EnterMember(0);
    } else {
      Enter(item.seq, item.merge, item.q_begin, item.q_end);
    }
  }

  int64_t NumRows() const {
    if (item_.num_members == 0) return (int64_t{item_.q_end} - item_.q_begin) * group_;
    int64_t rows = 0;
    for (int32_t i = 0; i < item_.num_members; ++i) rows += QLen(Member(i).seq);
    return rows * group_;
  }

  PackedRow Next() {
    while (row_ == row_end_) EnterMember(member_ + 1);
    const PackedRow packed = Current();
    if (++head_ == group_) {
      head_ = 0;
      ++row_;
    }
    return packed;
  }

 private:
  const AttnMember& Member(int32_t i) const { return args_.work.members[item_.first_member + i]; }
  int64_t QLen(int64_t seq) const {
    return int64_t{args_.row_begin[seq + 1]} - args_.row_begin[seq];
  }

  void Enter(int64_t seq, int64_t merge, int64_t row, int64_t row_end) {
    seq_ = seq;
    merge_ = merge < 0 ? nullptr : &args_.work.merges[merge];
    row_ = row;
    row_end_ = row_end;
    head_ = 0;
  }
  void EnterMember(int32_t i) {
    member_ = i;
    const AttnMember& member = Member(i);
    Enter(member.seq, member.merge + item_.kv_head, 0, QLen(member.seq));
  }

  PackedRow Current() const {
    const AttnFeatures& features = args_.features;
    const int64_t len = args_.kv_len[seq_];
    const int64_t seen = len - QLen(seq_) + row_ + 1;  // of a causal row
    PackedRow row;
    row.at = OutOffset(args_, seq_, row_, item_.kv_head * group_ + head_);
    row.begin = features.window > 0 ? Max(0, seen - features.window) : 0;
    row.end = Min(item_.kv_end, features.causal ? seen : len);
    row.sink = SinkOf(args_, item_.kv_head, head_);
    row.slot = nullptr;
    row.part_stride = 0;
    if (merge_ != nullptr) {
      row.part_stride = PartStride(args_, *merge_);
      row.slot = MergeSlot(args_, *merge_, row_, head_) + item_.part * row.part_stride;
    }
    return row;
  }

  const PagedAttentionArgs& args_;
  const AttnItem& item_;
  const int64_t group_;
  int32_t member_ = 0;
  int64_t seq_ = 0;
  const AttnMerge* merge_ = nullptr;
  int64_t row_ = 0;
  int64_t row_end_ = 0;
  int64_t head_ = 0;
};

}  // namespace
}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_ATTENTION_ROWS_INL_H_
