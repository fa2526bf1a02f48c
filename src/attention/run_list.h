// SPDX-License-Identifier: Apache-2.0
//
// A step's attention before it is cut along the keys: query tiles, and runs of keys for them. A
// tile has one run of its own; those of sequences that share pages have runs in common before it.
#ifndef WEIR_ATTENTION_RUN_LIST_H_
#define WEIR_ATTENTION_RUN_LIST_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attention/attn_plan.h"
#include "attention/attn_shape.h"
#include "attention/device_profile.h"
#include "attention/plan_capacity.h"
#include "attention/shared_prefix.h"

namespace weir {

// Query rows of one sequence that one item packs.
struct QTile {
  int32_t seq;
  int32_t q_begin;
  int32_t q_end;
  int32_t packed_rows;  // rows x query heads per KV head
  AttnRoute route;
  int32_t kv_begin;  // tokens that any of its rows sees; a multiple of the unit
  int32_t kv_end;
  int32_t own_begin;  // where its own run begins: kv_begin, or where the shared ones end
};

// Keys that are cut into pieces, for each KV head alike.
struct KvRun {
  int32_t tile;  // whose own run this is; -1: shared
  int32_t first_member;
  int32_t num_members;
  int32_t kv_begin;
  int32_t kv_end;
  int32_t num_units;
  int32_t packed_rows;
  int32_t num_tiles;  // of its sequence, which read the same keys
  bool decode;
  bool contiguous;    // its keys need not be read from pages
  bool first;         // no keys of its tiles stand before it
  double unit_bytes;  // of a unit and KV head; tiles of one sequence count their share
  double unit_us;     // that a worker computes for a unit
};

class RunList {
 public:
  RunList(const AttnShape& shape, const DeviceProfile& device, const PlanCapacity& capacity,
          int32_t max_seqs);

  // Lists the tiles and runs of a batch. With `cascade`, stretches that decodes share become runs
  // of their own where that is predicted to pay.
  void Build(const AttnBatch& batch, std::span<const AttnDecision> decisions, bool cascade);

  // Gives up the shared stretches.
  void DropShared(const AttnBatch& batch);

  std::span<const QTile> tiles() const { return tiles_; }
  // Shared ones first, parents before children; then one per tile, in the order of tiles.
  std::span<const KvRun> runs() const { return runs_; }
  std::span<const AttnMember> members() const { return members_; }  // merge: the tile's index
  int32_t num_shared_runs() const { return num_shared_runs_; }
  // Keys and values that any plan must read, each once.
  double unique_bytes() const { return unique_bytes_; }
  double flops() const { return flops_; }

 private:
  struct Taken {
    int32_t node;
    int32_t kv_begin;
    int32_t kv_end;
  };
  // What the taken stretches need, each cut into one piece.
  struct SharedNeeds {
    int64_t runs = 0;
    int64_t members = 0;
    int64_t slot_rows = 0;
  };
  void AddTiles(const AttnBatch& batch, int32_t seq, AttnRoute route);
  void CountNeeds(const AttnBatch& batch, int32_t seq);
  void AddTile(const AttnBatch& batch, const QTile& rows, int32_t num_tiles);
  void CountSharedBytes(const AttnBatch& batch);
  void TakeNodes(const AttnBatch& batch);
  void TakeNode(const AttnBatch& batch, int32_t index, SharedNeeds& needs);
  int64_t SlotRowsOf(const AttnBatch& batch, const SharedNode& node, int32_t begin,
                     int32_t end) const;
  int32_t SharedEnd(const AttnBatch& batch, const SharedNode& node) const;
  double SavingUs(const AttnBatch& batch, const SharedNode& node, int32_t num_tokens,
                  int32_t num_blocks) const;
  void ListRuns(const AttnBatch& batch);
  void AddSharedRuns(const AttnBatch& batch, const Taken& taken);
  KvRun MakeRun(int32_t kv_begin, int32_t kv_end, int32_t packed_rows, bool decode,
                int32_t num_tiles, bool contiguous) const;
  double TileUs(double tokens, double packed_rows) const;
  int32_t NumBlocks(const AttnBatch& batch, const SharedNode& node) const;
  int32_t BlockRows() const;

  AttnShape shape_;
  DeviceProfile device_;
  PlanCapacity capacity_;
  SharedPrefix shared_;
  std::vector<QTile> tiles_;
  std::vector<int32_t> tile_of_seq_;    // of decodes
  std::vector<int32_t> tiles_of_tile_;  // query tiles of the tile's sequence
  std::vector<int32_t> decode_seqs_;
  std::vector<Taken> taken_;
  std::vector<int32_t> end_of_node_;  // where the nearest taken stretch ends, itself included
  std::vector<KvRun> runs_;
  std::vector<AttnMember> members_;
  int32_t num_shared_runs_ = 0;
  double unique_bytes_ = 0;
  double flops_ = 0;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_RUN_LIST_H_
