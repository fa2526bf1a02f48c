// SPDX-License-Identifier: Apache-2.0
#include "attention/item_emitter.h"

#include <algorithm>
#include <bit>

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
  Queue(const PieceList& list, int32_t num_heads, double slowdown)
      : list_(list), num_heads_(num_heads), slowdown_(slowdown) {}

  bool empty() const { return next_ == list_.order.size(); }
  const Piece& piece() const { return list_.pieces[static_cast<uint32_t>(list_.order[next_])]; }
  int32_t head() const { return head_; }
  double us() const { return piece().us * slowdown_; }
  double taken_us() const { return taken_us_ * slowdown_; }
  // Of its time, how much has been taken.
  double share() const { return taken_us_ / list_.total_us; }

  void TakeHead() {
    taken_us_ += piece().us / num_heads_;
    if (++head_ == num_heads_) TakePiece();
  }
  // The heads that are left of it.
  void TakePiece() {
    head_ = 0;
    ++next_;
  }

 private:
  const PieceList& list_;
  int32_t num_heads_;
  double slowdown_;
  double taken_us_ = 0;
  size_t next_ = 0;
  int32_t head_ = 0;
};

ItemEmitter::ItemEmitter(const AttnShape& shape, const DeviceProfile& device,
                         const PlanCapacity& capacity)
    : shape_(shape), device_(device), capacity_(capacity), items_(capacity.max_items) {
  parts_.reserve(capacity.max_tiles);
  first_part_.reserve(capacity.max_runs);
  const auto max_pieces = static_cast<size_t>(capacity.max_items / shape.num_kv_heads + 1);
  for (PieceList* list : {&decodes_, &prefills_}) {
    list->pieces.reserve(max_pieces);
    list->order.reserve(max_pieces);
  }
  merges_.reserve(capacity.max_merges);
  members_.reserve(capacity.max_members);
}

// With segments every segment is a part, except those of a tile's first piece, which folds.
int32_t ItemEmitter::PartsOf(const KvRun& run, int32_t pieces) const {
  if (capacity_.segment_len == 0 || run.num_units == 0) return run.num_units == 0 ? 0 : pieces;
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
  num_items_ = 0;
  if (order == ItemOrder::kInterleaved && !prefills_.pieces.empty()) {
    EmitInterleaved(runs, pieces);
  } else {
    for (const PieceList* list : {&decodes_, &prefills_}) {
      Queue queue(*list, shape_.num_kv_heads, 1);
      EmitAll(runs, pieces, queue);
    }
  }
  return {.items = items_.data(),
          .num_items = num_items_,
          .merges = merges_.data(),
          .num_merges = static_cast<int32_t>(merges_.size()),
          .members = members_.data(),
          .segment_len = capacity_.segment_len};
}

// Both kinds in proportion, so that memory and computing are busy all the time; but a piece that
// would end after all others if it waited for its turn goes first.
void ItemEmitter::EmitInterleaved(const RunList& runs, std::span<const int32_t> pieces) {
  const Pace pace = PaceOf();
  Queue decodes(decodes_, shape_.num_kv_heads, pace.decode_slowdown);
  Queue prefills(prefills_, shape_.num_kv_heads, 1);
  while (!decodes.empty() && !prefills.empty()) {
    const double now_us = pace.us_per_taken * (decodes.taken_us() + prefills.taken_us());
    Queue& urgent = decodes.us() >= prefills.us() ? decodes : prefills;
    Queue& fair = decodes.share() <= prefills.share() ? decodes : prefills;
    Queue& next = now_us + urgent.us() >= pace.end_us ? urgent : fair;
    EmitItems(ItemOf(runs, next.piece(), pieces[next.piece().run]), next.head(), next.head() + 1);
    next.TakeHead();
  }
  EmitAll(runs, pieces, decodes);
  EmitAll(runs, pieces, prefills);
}

// When memory and not the workers is the limit, decodes take as much longer as fills the workers.
ItemEmitter::Pace ItemEmitter::PaceOf() const {
  const double per_worker = static_cast<double>(shape_.num_kv_heads) / device_.num_workers;
  const double reading_us =
      decodes_.total_bytes * shape_.num_kv_heads / (device_.total_gb_s * kPerUs);
  const double working_us = (decodes_.total_us + prefills_.total_us) * per_worker;
  const double spare = reading_us / per_worker - prefills_.total_us;
  return {.us_per_taken = per_worker,
          .end_us = std::max(reading_us, working_us),
          .decode_slowdown = std::max(1.0, spare / decodes_.total_us)};
}

void ItemEmitter::EmitAll(const RunList& runs, std::span<const int32_t> pieces, Queue& queue) {
  for (; !queue.empty(); queue.TakePiece()) {
    const Piece& piece = queue.piece();
    EmitItems(ItemOf(runs, piece, pieces[piece.run]), queue.head(), shape_.num_kv_heads);
  }
}

// `item` is that of KV head 0.
void ItemEmitter::EmitItems(const AttnItem& item, int32_t first_head, int32_t end_head) {
  WEIR_CHECK_LE(num_items_ + end_head - first_head, capacity_.max_items);
  for (int32_t head = first_head; head < end_head; ++head) {
    AttnItem& emitted = items_[num_items_++];
    emitted = item;
    emitted.kv_head = head;
    if (item.merge >= 0) emitted.merge = item.merge + head;
  }
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
  for (PieceList* list : {&decodes_, &prefills_}) {
    list->pieces.clear();
    list->total_us = 0;
    list->total_bytes = 0;
  }
  for (size_t i = 0; i < runs.runs().size(); ++i) {
    const KvRun& run = runs.runs()[i];
    if (run.num_units == 0) continue;
    const double unit_us = std::max(run.unit_us, run.unit_bytes / (device_.worker_gb_s * kPerUs));
    PieceList& list = run.decode ? decodes_ : prefills_;
    list.total_bytes += run.num_units * run.unit_bytes;
    for (int32_t p = 0; p < pieces[i]; ++p) {
      const UnitRange units = UnitsOf(run.num_units, pieces[i], p);
      const double us = device_.item_us + (units.end - units.begin) * unit_us;
      list.pieces.push_back({.us = us, .run = static_cast<int32_t>(i), .index = p});
      list.total_us += us;
    }
  }
  SortPieces(decodes_);
  SortPieces(prefills_);
}

// By time, then by run and index. The bits of positive floats ascend as they do, so that a time and
// a place make one number.
void ItemEmitter::SortPieces(PieceList& list) {
  list.order.clear();
  for (const Piece& piece : list.pieces) {
    const auto bits = std::bit_cast<uint32_t>(static_cast<float>(piece.us));
    list.order.push_back(uint64_t{~bits} << 32 | list.order.size());
  }
  std::sort(list.order.begin(), list.order.end());
}

AttnItem ItemEmitter::ItemOf(const RunList& runs, const Piece& piece, int32_t pieces) const {
  const KvRun& run = runs.runs()[piece.run];
  const UnitRange units = UnitsOf(run.num_units, pieces, piece.index);
  const int32_t unit_len = capacity_.unit_len;
  int32_t part = piece.index;
  if (capacity_.segment_len > 0) {
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
