// SPDX-License-Identifier: Apache-2.0
#include "attention/item_emitter.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "base/check.h"

namespace weir {
namespace {

constexpr double kPerUs = 1e3;  // bytes per microsecond of a GB/s

struct UnitRange {
  int32_t begin;
  int32_t end;
};

// Lengths differ by one unit at most; the longer pieces come first.
UnitRange UnitsOf(int32_t num_units, int32_t pieces, int32_t index) {
  const int32_t base = num_units / pieces;
  const int32_t longer = num_units % pieces;
  const int32_t begin = index * base + std::min(index, longer);
  return {begin, begin + base + (index < longer ? 1 : 0)};
}

}  // namespace

// Pieces in order, each once per KV head: the heads of a piece are adjacent, so that rows which
// share keys run at the same time.
class ItemEmitter::Queue {
 public:
  Queue(std::span<const Piece> pieces, int32_t num_heads) : pieces_(pieces), num_heads_(num_heads) {
    for (const Piece& piece : pieces) total_us_ += piece.us;
  }
  bool empty() const { return next_ == pieces_.size(); }
  // Of its time, how much has been taken.
  double share() const { return total_us_ > 0 ? taken_us_ / total_us_ : 1; }

  std::pair<const Piece*, int32_t> Take() {
    const Piece* piece = &pieces_[next_];
    const int32_t head = head_++;
    taken_us_ += piece->us / num_heads_;
    if (head_ < num_heads_) return {piece, head};
    head_ = 0;
    ++next_;
    return {piece, head};
  }

 private:
  std::span<const Piece> pieces_;
  int32_t num_heads_;
  double total_us_ = 0;
  double taken_us_ = 0;
  size_t next_ = 0;
  int32_t head_ = 0;
};

ItemEmitter::ItemEmitter(const AttnShape& shape, const DeviceProfile& device,
                         const PlanCapacity& capacity, int32_t segment_len)
    : shape_(shape), device_(device), capacity_(capacity), segment_len_(segment_len) {
  parts_.reserve(capacity.max_tiles);
  first_part_.reserve(capacity.max_runs);
  const auto max_pieces = static_cast<size_t>(capacity.max_items / shape.num_kv_heads + 1);
  decodes_.reserve(max_pieces);
  prefills_.reserve(max_pieces);
  items_.reserve(capacity.max_items);
  merges_.reserve(capacity.max_merges);
  members_.reserve(capacity.max_members);
}

// With segments every segment is a part, except those of a tile's first piece, which folds.
int32_t ItemEmitter::PartsOf(const KvRun& run, int32_t pieces) const {
  if (segment_len_ == 0 || run.num_units == 0) return run.num_units == 0 ? 0 : pieces;
  if (!run.first) return run.num_units;
  return 1 + run.num_units - UnitsOf(run.num_units, pieces, 0).end;
}

// Shared runs stand before own ones and parents before children, so parts ascend in position.
void ItemEmitter::CountParts(const RunList& runs, std::span<const int32_t> pieces) {
  parts_.assign(runs.tiles().size(), {0, 0, -1});
  first_part_.assign(runs.runs().size(), 0);
  for (size_t i = 0; i < runs.runs().size(); ++i) {
    const KvRun& run = runs.runs()[i];
    const int32_t parts = PartsOf(run, pieces[i]);
    const int32_t items = run.num_units == 0 ? 0 : pieces[i];
    const auto add = [&](TileParts& tile) {
      first_part_[i] = tile.num_parts;
      tile.num_parts += parts;
      tile.num_items += items;
    };
    if (run.tile >= 0) add(parts_[run.tile]);
    for (int32_t m = 0; m < run.num_members; ++m) {
      add(parts_[runs.members()[run.first_member + m].merge]);
    }
  }
}

SlotRows ItemEmitter::CountSlotRows(const RunList& runs, std::span<const int32_t> pieces) {
  CountParts(runs, pieces);
  SlotRows rows = {0, 0};
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].num_items <= 1) continue;
    const QTile& tile = runs.tiles()[i];
    (tile.route == AttnRoute::kDecode ? rows.decode : rows.prefill) +=
        int64_t{parts_[i].num_parts} * tile.packed_rows * shape_.num_kv_heads;
  }
  return rows;
}

AttnWork ItemEmitter::Emit(const RunList& runs, std::span<const int32_t> pieces, ItemOrder order) {
  CountParts(runs, pieces);
  ListMerges(runs);
  ListPieces(runs, pieces);
  items_.clear();
  Queue decodes(decodes_, shape_.num_kv_heads);
  Queue prefills(prefills_, shape_.num_kv_heads);
  while (!decodes.empty() || !prefills.empty()) {
    const bool decodes_next =
        order == ItemOrder::kDecodesFirst || decodes.share() <= prefills.share();
    const bool decode = prefills.empty() || (!decodes.empty() && decodes_next);
    const auto [piece, head] = (decode ? decodes : prefills).Take();
    EmitItem(runs, *piece, head, pieces[piece->run]);
  }
  return {.items = items_.data(),
          .num_items = static_cast<int32_t>(items_.size()),
          .merges = merges_.data(),
          .num_merges = static_cast<int32_t>(merges_.size()),
          .members = members_.data(),
          .segment_len = segment_len_};
}

void ItemEmitter::ListMerges(const RunList& runs) {
  merges_.clear();
  num_slots_ = 0;
  num_slot_rows_ = 0;
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].num_items <= 1) continue;
    const QTile& tile = runs.tiles()[i];
    parts_[i].merge = static_cast<int32_t>(merges_.size());
    for (int32_t head = 0; head < shape_.num_kv_heads; ++head) {
      merges_.push_back({.seq = tile.seq,
                         .kv_head = head,
                         .q_begin = tile.q_begin,
                         .q_end = tile.q_end,
                         .first_slot_row = num_slot_rows_,
                         .num_parts = parts_[i].num_parts,
                         .num_items = parts_[i].num_items});
      num_slots_ += parts_[i].num_parts;
      num_slot_rows_ += parts_[i].num_parts * tile.packed_rows;
    }
  }
  WEIR_CHECK_LE(std::ssize(merges_), capacity_.max_merges);
  WEIR_CHECK_LE(num_slot_rows_, capacity_.max_slot_rows());
  members_.assign(runs.members().begin(), runs.members().end());
  for (AttnMember& member : members_) member.merge = parts_[member.merge].merge;
}

void ItemEmitter::ListPieces(const RunList& runs, std::span<const int32_t> pieces) {
  decodes_.clear();
  prefills_.clear();
  for (size_t i = 0; i < runs.runs().size(); ++i) {
    const KvRun& run = runs.runs()[i];
    if (run.num_units == 0) continue;
    const double unit_us = std::max(run.unit_us, run.unit_bytes / (device_.worker_gb_s * kPerUs));
    for (int32_t p = 0; p < pieces[i]; ++p) {
      const UnitRange units = UnitsOf(run.num_units, pieces[i], p);
      (run.decode ? decodes_ : prefills_)
          .push_back({.us = device_.item_us + (units.end - units.begin) * unit_us,
                      .run = static_cast<int32_t>(i),
                      .index = p});
    }
  }
  SortPieces(decodes_);
  SortPieces(prefills_);
}

void ItemEmitter::SortPieces(std::vector<Piece>& pieces) {
  std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
    return std::tuple(-a.us, a.run, a.index) < std::tuple(-b.us, b.run, b.index);
  });
}

void ItemEmitter::EmitItem(const RunList& runs, const Piece& piece, int32_t head, int32_t pieces) {
  WEIR_CHECK_LT(std::ssize(items_), capacity_.max_items);
  AttnItem item = ItemOf(runs, piece, pieces);
  item.kv_head = head;
  if (item.merge >= 0) item.merge += head;
  items_.push_back(item);
}

AttnItem ItemEmitter::ItemOf(const RunList& runs, const Piece& piece, int32_t pieces) const {
  const KvRun& run = runs.runs()[piece.run];
  const UnitRange units = UnitsOf(run.num_units, pieces, piece.index);
  const int32_t unit_len = capacity_.unit_len;
  int32_t part = piece.index;
  if (segment_len_ > 0) {
    const int32_t folded = run.first ? UnitsOf(run.num_units, pieces, 0).end - 1 : 0;
    part = piece.index == 0 && run.first ? 0 : units.begin - folded;
  }
  AttnItem item = {};
  item.kv_begin = run.kv_begin + units.begin * unit_len;
  item.kv_end = std::min(run.kv_end, run.kv_begin + units.end * unit_len);
  item.part = first_part_[piece.run] + part;
  if (run.tile < 0) {
    item.seq = members_[run.first_member].seq;
    item.merge = -1;
    item.first_member = run.first_member;
    item.num_members = run.num_members;
    item.route = AttnRoute::kDecode;
    return item;
  }
  const QTile& tile = runs.tiles()[run.tile];
  item.seq = tile.seq;
  item.q_begin = tile.q_begin;
  item.q_end = tile.q_end;
  item.merge = parts_[run.tile].merge;
  item.route = tile.route;
  if (item.merge < 0) item.part = 0;
  return item;
}

}  // namespace weir
