// SPDX-License-Identifier: Apache-2.0
//
// Paged attention of one work item, and the merging of parts, written once. Included by the files
// that are compiled for one instruction set only, so everything is in the anonymous namespace and
// nothing but plain structs is included.
//
// An item's packed rows are cut into blocks, each of which walks over the item's keys: in one
// piece, or segment by segment where the plan asks for it. What a piece gives is a part. Parts of
// segments are joined by Fold, here as in a merge, so bits do not depend on who joins them.
#include <stdint.h>

#include "kernels/cpu/attention_block-inl.h"
#include "kernels/cpu/attention_isa.h"

namespace weir::cpu {
namespace {

// A part of no keys.
Part Cleared(const Part& part) {
  *part.m = kUnseen;
  *part.l = 0;
  return part;
}

// Joins the block's sums of row `r` to `to`.
template <class Isa>
void FoldRow(Block<Isa>& block, int r, const Part& to) {
  float l = Isa::Sum(block.l + r * kSumLanes);
  Isa::Fold({block.o + r * block.padded_d, &block.m[r], &l, block.padded_d}, to);
}

template <class Isa>
void FinishRow(const PagedAttentionArgs& args, const PackedRow& row, const Part& part) {
  Isa::Finish(part, row.sink * kLog2E, args.kv.head_dim, args.out + row.at);
}

// Writes the block's sums to the part `part` of the item, or to `out`.
template <class Isa>
void Emit(const PagedAttentionArgs& args, int64_t part, Block<Isa>& block) {
  for (int r = 0; r < block.rows; ++r) {
    const PackedRow& row = block.row[r];
    if (row.slot != nullptr) {
      FoldRow(block, r, Cleared(PartAt(row.slot + part * row.part_stride, block.padded_d)));
    } else {
      float l = Isa::Sum(block.l + r * kSumLanes);
      FinishRow<Isa>(args, row, {block.o + r * block.padded_d, &block.m[r], &l, block.padded_d});
    }
  }
}

// One part per segment, also of those that no row sees.
template <class Isa, class E>
void EmitSegments(const Keys& keys, const AttnItem& item, Block<Isa>& block) {
  const int64_t segment = keys.args.work.segment_len;
  int64_t part = 0;
  for (int64_t begin = item.kv_begin; begin < item.kv_end; begin += segment) {
    ClearSums(block);
    AttendRange<Isa, E>(keys, begin, Min(begin + segment, item.kv_end), block);
    Emit(keys.args, part++, block);
  }
}

// All segments into one part, or into `out`.
template <class Isa, class E>
void FoldSegments(const Keys& keys, const AttnItem& item, Block<Isa>& block) {
  const int64_t segment = keys.args.work.segment_len;
  const int64_t stride = block.padded_d + 16;
  alignas(64) float here[kBlockFloats + kBlockRows * 16];  // for rows without a slot
  const auto part_of = [&](int r) {
    float* slot = block.row[r].slot;
    return PartAt(slot != nullptr ? slot : here + r * stride, block.padded_d);
  };
  for (int r = 0; r < block.rows; ++r) Cleared(part_of(r));
  for (int64_t begin = item.kv_begin; begin < block.end; begin += segment) {
    ClearSums(block);
    AttendRange<Isa, E>(keys, begin, begin + segment, block);
    for (int r = 0; r < block.rows; ++r) FoldRow(block, r, part_of(r));
  }
  for (int r = 0; r < block.rows; ++r) {
    if (block.row[r].slot == nullptr) FinishRow<Isa>(keys.args, block.row[r], part_of(r));
  }
}

template <class Isa, class E>
void AttendBlock(const Keys& keys, const AttnItem& item, Block<Isa>& block) {
  if (keys.args.work.segment_len == 0) {
    ClearSums(block);
    AttendRange<Isa, E>(keys, item.kv_begin, item.kv_end, block);
    Emit(keys.args, 0, block);
  } else if (item.kv_begin == 0 || block.row[0].slot == nullptr) {
    FoldSegments<Isa, E>(keys, item, block);
  } else {
    EmitSegments<Isa, E>(keys, item, block);
  }
}

// Blocks of about equal size, of whole strips where there is room; any cut gives the same bits.
template <class Isa, class E>
void AttendItem(const PagedAttentionArgs& args, const AttnItem& item) {
  RowCursor cursor(args, item);
  const int64_t packed = cursor.NumRows();
  if (packed <= 0) return;
  const Keys keys{args, item.seq, item.kv_head};
  Block<Isa> block;
  block.d = args.kv.head_dim;
  block.padded_d = (block.d + 15) / 16 * 16;
  block.tile_steps = block.d + (block.d + kDimsAtOnce - 1) / kDimsAtOnce * 64;
  const int64_t fit = Min(kBlockRows, kBlockFloats / block.padded_d);
  const int64_t blocks = (packed + fit - 1) / fit;
  const int64_t strips = (packed + blocks * Isa::kRows - 1) / (blocks * Isa::kRows);
  const int64_t step = Min(fit, strips * Isa::kRows);
  for (int64_t first = 0; first < packed; first += step) {
    block.rows = static_cast<int>(Min(step, packed - first));
    const int num_strips = (block.rows + Isa::kRows - 1) / Isa::kRows;
    block.strip_rows = (block.rows + num_strips - 1) / num_strips;
    StartBlock(args, cursor, block);
    AttendBlock<Isa, E>(keys, item, block);
  }
}

template <class Isa>
void Attend(const PagedAttentionArgs& args, const AttnItem& item) {
  if (args.kv.dtype == KvDType::kInt8) return AttendItem<Isa, int8_t>(args, item);
  AttendItem<Isa, Bf16>(args, item);
}

// Parts are folded into the first, in ascending order.
template <class Isa>
void Merge(const PagedAttentionArgs& args, const AttnMerge& merge) {
  const int64_t d = args.kv.head_dim;
  const int64_t padded_d = (d + 15) / 16 * 16;
  const int64_t group = args.num_q_heads / args.kv.num_kv_heads;
  const int64_t stride = PartStride(args, merge);
  for (int64_t row = merge.q_begin; row < merge.q_end; ++row) {
    for (int64_t head = 0; head < group; ++head) {
      float* slot = MergeSlot(args, merge, row, head);
      const Part to = PartAt(slot, padded_d);
      for (int32_t i = 1; i < merge.num_parts; ++i) {
        Isa::Fold(PartAt(slot + i * stride, padded_d), to);
      }
      const int64_t at = OutOffset(args, merge.seq, row, merge.kv_head * group + head);
      Isa::Finish(to, SinkOf(args, merge.kv_head, head) * kLog2E, d, args.out + at);
    }
  }
}

}  // namespace
}  // namespace weir::cpu
