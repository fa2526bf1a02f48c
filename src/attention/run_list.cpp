// SPDX-License-Identifier: Apache-2.0
#include "attention/run_list.h"

#include <algorithm>

#include "attention/router.h"
#include "base/check.h"

namespace weir {
namespace {

constexpr double kPerUs = 1e3;  // bytes per microsecond of a GB/s, flops of a GF/s

int32_t DivUp(int32_t a, int32_t b) { return (a + b - 1) / b; }

}  // namespace

RunList::RunList(const AttnShape& shape, const DeviceProfile& device, const PlanCapacity& capacity,
                 int32_t max_seqs)
    : shape_(shape), device_(device), capacity_(capacity), shared_(max_seqs) {
  tiles_.reserve(capacity.max_tiles);
  tiles_of_tile_.reserve(capacity.max_tiles);
  runs_.reserve(capacity.max_runs);
  members_.reserve(capacity.max_members);
  tile_of_seq_.reserve(max_seqs);
  decode_seqs_.reserve(max_seqs);
  taken_.reserve(max_seqs);
  end_of_node_.reserve(max_seqs);
}

void RunList::Build(const AttnBatch& batch, std::span<const AttnDecision> decisions, bool cascade) {
  tiles_.clear();
  tiles_of_tile_.clear();
  decode_seqs_.clear();
  tile_of_seq_.assign(batch.num_seqs(), -1);
  unique_bytes_ = 0;
  flops_ = 0;
  for (int32_t seq = 0; seq < batch.num_seqs(); ++seq) AddTiles(batch, seq, decisions[seq].route);
  shared_.Find(batch, decode_seqs_);
  if (shape_.window == 0) CountSharedBytes(batch);
  taken_.clear();
  if (cascade && shape_.window == 0) TakeNodes(batch);
  ListRuns(batch);
}

void RunList::DropShared(const AttnBatch& batch) {
  taken_.clear();
  ListRuns(batch);
}

// Tables may list pages beyond what is visible.
void RunList::CountSharedBytes(const AttnBatch& batch) {
  for (const SharedNode& node : shared_.nodes()) {
    int64_t end = int64_t{node.page_end} * batch.page_len;
    for (const int32_t seq : shared_.order().subspan(node.first, node.count)) {
      end = std::min<int64_t>(end, batch.kv_len[seq]);
    }
    const int64_t tokens = std::max<int64_t>(0, end - int64_t{node.page_begin} * batch.page_len);
    unique_bytes_ -= static_cast<double>(tokens) * (node.count - 1) * shape_.num_kv_heads *
                     static_cast<double>(shape_.token_bytes());
  }
}

void RunList::AddTiles(const AttnBatch& batch, int32_t seq, AttnRoute route) {
  if (route == AttnRoute::kNone) return;
  const int32_t q_len = batch.q_len(seq);
  WEIR_CHECK(q_len > 0 && batch.cached(seq) >= 0);
  const bool decode = route == AttnRoute::kDecode;
  if (decode) {
    decode_seqs_.push_back(seq);
    tile_of_seq_[seq] = static_cast<int32_t>(tiles_.size());
  }
  const int32_t rows = decode ? q_len : std::min(q_len, capacity_.rows_per_tile);
  const int32_t num_tiles = DivUp(q_len, rows);
  for (int32_t begin = 0; begin < q_len; begin += rows) {
    const int32_t end = std::min(begin + rows, q_len);
    AddTile(batch,
            {.seq = seq,
             .q_begin = begin,
             .q_end = end,
             .packed_rows = 0,
             .route = route,
             .kv_begin = 0,
             .kv_end = 0,
             .own_begin = 0},
            num_tiles);
  }
  CountNeeds(batch, seq);
}

// What the sequence must read and compute at least, whatever the tiles.
void RunList::CountNeeds(const AttnBatch& batch, int32_t seq) {
  const double rows = batch.q_len(seq);
  const int32_t end = batch.kv_len[seq];
  const int32_t first_seen = shape_.causal ? batch.cached(seq) + 1 : end;  // by the first row
  const int32_t most_seen = shape_.window > 0 ? std::min(shape_.window, end) : end;
  // Row by row one token more, up to the window.
  const double growing = std::clamp<double>(most_seen - first_seen, 0, rows);
  const double seen = (rows - growing) * most_seen +
                      growing * (std::min(first_seen, most_seen) + (growing - 1) / 2);
  flops_ += 4.0 * shape_.head_dim * shape_.group() * shape_.num_kv_heads * seen;
  const int32_t unseen = shape_.window > 0 ? std::max(0, first_seen - shape_.window) : 0;
  unique_bytes_ +=
      double{1} * (end - unseen) * shape_.num_kv_heads * static_cast<double>(shape_.token_bytes());
}

void RunList::AddTile(const AttnBatch& batch, const QTile& rows, int32_t num_tiles) {
  WEIR_CHECK_LT(std::ssize(tiles_), capacity_.max_tiles);
  QTile tile = rows;
  const int32_t first_position = batch.cached(tile.seq) + tile.q_begin;
  tile.packed_rows = (tile.q_end - tile.q_begin) * shape_.group();
  tile.kv_end = shape_.causal ? batch.cached(tile.seq) + tile.q_end : batch.kv_len[tile.seq];
  if (shape_.window > 0) {
    const int32_t seen = std::max(0, first_position + 1 - shape_.window);
    tile.kv_begin = seen / capacity_.unit_len * capacity_.unit_len;
  }
  tile.own_begin = tile.kv_begin;
  tiles_.push_back(tile);
  tiles_of_tile_.push_back(num_tiles);
}

// Parents come first, so a child begins where the nearest taken stretch above it ends.
void RunList::TakeNodes(const AttnBatch& batch) {
  end_of_node_.assign(shared_.nodes().size(), 0);
  SharedNeeds needs;
  for (size_t i = 0; i < shared_.nodes().size(); ++i) {
    const SharedNode& node = shared_.nodes()[i];
    end_of_node_[i] = node.parent >= 0 ? end_of_node_[node.parent] : 0;
    TakeNode(batch, static_cast<int32_t>(i), needs);
  }
}

void RunList::TakeNode(const AttnBatch& batch, int32_t index, SharedNeeds& needs) {
  const SharedNode& node = shared_.nodes()[index];
  const int32_t begin = end_of_node_[index];
  const int32_t end = SharedEnd(batch, node);
  if (end - begin < 2 * device_.tile_len) return;
  const int32_t blocks = NumBlocks(batch, node);
  const SharedNeeds with = {
      .runs = needs.runs + blocks,
      .members = needs.members + node.count,
      .slot_rows = needs.slot_rows + SlotRowsOf(batch, node, begin, end),
  };
  const bool fit = with.runs <= capacity_.max_runs - capacity_.max_tiles &&
                   with.members <= capacity_.max_members &&
                   with.slot_rows <= capacity_.max_decode_slot_rows;
  if (!fit || SavingUs(batch, node, end - begin, blocks) <= 0) return;
  needs = with;
  taken_.push_back({.node = index, .kv_begin = begin, .kv_end = end});
  end_of_node_[index] = end;
}

// At most, with one piece per run: a part for the stretch and one for each member's own keys, or
// one per segment where it is not the first piece that folds them.
int64_t RunList::SlotRowsOf(const AttnBatch& batch, const SharedNode& node, int32_t begin,
                            int32_t end) const {
  const int32_t segment = capacity_.segment_len;
  const int64_t parts = segment > 0 && begin > 0 ? (end - begin) / segment : 1;
  int64_t rows = 0;
  for (const int32_t seq : shared_.order().subspan(node.first, node.count)) {
    const int64_t own = segment > 0 ? DivUp(batch.kv_len[seq] - end, segment) : 1;
    rows += (parts + own) * batch.q_len(seq);
  }
  return rows * shape_.num_q_heads;
}

// Blocks of as many packed rows as an item takes that the members fill, in order.
int32_t RunList::NumBlocks(const AttnBatch& batch, const SharedNode& node) const {
  int32_t blocks = 1;
  int32_t packed = 0;
  for (const int32_t seq : shared_.order().subspan(node.first, node.count)) {
    const int32_t rows = batch.q_len(seq) * shape_.group();
    if (packed > 0 && packed + rows > BlockRows()) {
      ++blocks;
      packed = 0;
    }
    packed += rows;
  }
  return blocks;
}

int32_t RunList::BlockRows() const { return std::max(device_.q_tile_rows, kMaxDecodePackedRows); }

// Whole units that all new rows of all members see.
int32_t RunList::SharedEnd(const AttnBatch& batch, const SharedNode& node) const {
  int64_t end = int64_t{node.page_end} * batch.page_len;
  for (int32_t i = 0; i < node.count; ++i) {
    end = std::min<int64_t>(end, batch.cached(shared_.order()[node.first + i]));
  }
  return static_cast<int32_t>(end / capacity_.unit_len * capacity_.unit_len);
}

double RunList::TileUs(double tokens, double packed_rows) const {
  return 4.0 * shape_.head_dim * packed_rows * tokens / (device_.paged_gflop_s * kPerUs);
}

// What the members read and compute apart, less what they do together and what joining costs: a
// part more per member and piece, and the pieces' fixed cost.
double RunList::SavingUs(const AttnBatch& batch, const SharedNode& node, int32_t num_tokens,
                         int32_t num_blocks) const {
  int32_t packed = 0;
  for (int32_t i = 0; i < node.count; ++i) {
    packed += batch.q_len(shared_.order()[node.first + i]) * shape_.group();
  }
  const double bytes_per_us = device_.total_gb_s * kPerUs;
  const double heads = shape_.num_kv_heads;
  const double once_us =
      heads * num_tokens * static_cast<double>(shape_.token_bytes()) / bytes_per_us;
  const double compute_us = heads * TileUs(num_tokens, packed) / device_.num_workers;
  const double apart_us = std::max(node.count * once_us, compute_us);
  const double together_us = std::max(num_blocks * once_us, compute_us);
  const int32_t pieces = std::min(DivUp(num_tokens, capacity_.unit_len),
                                  DivUp(device_.num_workers, shape_.num_kv_heads));
  const double part_us = 2.0 * packed * (shape_.head_dim + 2) * 4 / bytes_per_us;
  const double joining_us = heads * (pieces + 1) * part_us +
                            heads * pieces * num_blocks * device_.item_us / device_.num_workers;
  return apart_us - together_us - joining_us - device_.merge_us;
}

void RunList::ListRuns(const AttnBatch& batch) {
  runs_.clear();
  members_.clear();
  for (QTile& tile : tiles_) tile.own_begin = tile.kv_begin;
  for (const Taken& taken : taken_) AddSharedRuns(batch, taken);
  num_shared_runs_ = static_cast<int32_t>(runs_.size());
  for (int32_t i = 0; i < static_cast<int32_t>(tiles_.size()); ++i) {
    const QTile& tile = tiles_[i];
    KvRun run =
        MakeRun(tile.own_begin, tile.kv_end, tile.packed_rows, tile.route == AttnRoute::kDecode,
                tiles_of_tile_[i], tile.route == AttnRoute::kFresh);
    run.tile = i;
    run.first = tile.own_begin == tile.kv_begin;
    runs_.push_back(run);
  }
  WEIR_CHECK_LE(std::ssize(runs_), capacity_.max_runs);
}

// Blocks as NumBlocks counts them.
void RunList::AddSharedRuns(const AttnBatch& batch, const Taken& taken) {
  const SharedNode& node = shared_.nodes()[taken.node];
  for (int32_t i = 0; i < node.count;) {
    const auto first = static_cast<int32_t>(members_.size());
    int32_t packed = 0;
    for (; i < node.count; ++i) {
      const int32_t seq = shared_.order()[node.first + i];
      const int32_t rows = batch.q_len(seq) * shape_.group();
      if (packed > 0 && packed + rows > BlockRows()) break;
      packed += rows;
      members_.push_back({.seq = seq, .merge = tile_of_seq_[seq]});
      tiles_[tile_of_seq_[seq]].own_begin = taken.kv_end;
    }
    KvRun run = MakeRun(taken.kv_begin, taken.kv_end, packed, true, 1, false);
    run.first_member = first;
    run.num_members = static_cast<int32_t>(members_.size()) - first;
    run.first = taken.kv_begin == 0;
    runs_.push_back(run);
  }
}

KvRun RunList::MakeRun(int32_t kv_begin, int32_t kv_end, int32_t packed_rows, bool decode,
                       int32_t num_tiles, bool contiguous) const {
  const double unit_us = TileUs(capacity_.unit_len, packed_rows);
  return {
      .tile = -1,
      .first_member = 0,
      .num_members = 0,
      .kv_begin = kv_begin,
      .kv_end = kv_end,
      .num_units = DivUp(kv_end - kv_begin, capacity_.unit_len),
      .packed_rows = packed_rows,
      .num_tiles = num_tiles,
      .decode = decode,
      .contiguous = contiguous,
      .first = true,
      .unit_bytes =
          double{1} * capacity_.unit_len * static_cast<double>(shape_.token_bytes()) / num_tiles,
      .unit_us = contiguous ? unit_us * device_.paged_gflop_s / device_.worker_gflop_s : unit_us,
  };
}

}  // namespace weir
