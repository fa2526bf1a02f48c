// SPDX-License-Identifier: Apache-2.0
//
// Turns runs, and the number of pieces of each, into the items, merges and members that kernels
// read. Memory is taken once, for the largest plan.
#ifndef WEIR_ATTENTION_ITEM_EMITTER_H_
#define WEIR_ATTENTION_ITEM_EMITTER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attention/attn_plan.h"
#include "attention/run_list.h"

namespace weir {

enum class ItemOrder : uint8_t {
  kInterleaved,   // decodes and prefills in turn, in proportion of their time
  kDecodesFirst,  // as two launches would
};

class ItemEmitter {
 public:
  ItemEmitter(const AttnShape& shape, const DeviceProfile& device, const PlanCapacity& capacity);

  // Slot rows that these pieces take; one number of pieces per run.
  SlotRows CountSlotRows(const RunList& runs, std::span<const int32_t> pieces);

  // Lists everything. Valid until the next Emit.
  AttnWork Emit(const RunList& runs, std::span<const int32_t> pieces, ItemOrder order);

  int32_t num_slots() const { return num_slots_; }
  int32_t num_slot_rows() const { return num_slot_rows_; }

 private:
  // Of a tile: what its runs write.
  struct TileParts {
    int32_t num_parts;
    int32_t num_items;
    int32_t merge;
  };
  // A piece of a run, for all KV heads.
  struct Piece {
    double us;  // alone on a worker
    int32_t run;
    int32_t index;
  };
  // Pieces of one kind, longest first.
  struct PieceList {
    std::vector<Piece> pieces;    // by run and index
    std::vector<uint64_t> order;  // its low half: a place in `pieces`
    double total_us = 0;          // of one KV head
    double total_bytes = 0;       // of one KV head
  };
  // How the queue is worked off.
  struct Pace {
    double us_per_taken;  // that pass while the workers take a microsecond of one KV head
    double end_us;
    double decode_slowdown;
  };
  Pace PaceOf() const;
  class Queue;
  int32_t PartsOf(const KvRun& run, int32_t pieces) const;
  void CountParts(const RunList& runs, std::span<const int32_t> pieces);
  void ListMerges(const RunList& runs);
  void ListPieces(const RunList& runs, std::span<const int32_t> pieces);
  void SortPieces(PieceList& list);
  void EmitInterleaved(const RunList& runs, std::span<const int32_t> pieces);
  void EmitAll(const RunList& runs, std::span<const int32_t> pieces, Queue& queue);
  void EmitItems(const AttnItem& item, int32_t first_head, int32_t end_head);
  AttnItem ItemOf(const RunList& runs, const Piece& piece, int32_t pieces) const;

  AttnShape shape_;
  DeviceProfile device_;
  PlanCapacity capacity_;
  std::vector<TileParts> parts_;     // by tile
  std::vector<int32_t> first_part_;  // by run
  PieceList decodes_, prefills_;
  std::vector<AttnItem> items_;  // of the largest plan; the first num_items_ are this one's
  int32_t num_items_ = 0;
  std::vector<AttnMerge> merges_;
  std::vector<AttnMember> members_;
  int32_t num_slots_ = 0;
  int32_t num_slot_rows_ = 0;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_ITEM_EMITTER_H_
