// SPDX-License-Identifier: Apache-2.0
//
// Paged attention of one work item, written once. Included by the files that are compiled for one
// instruction set only, so everything is in the anonymous namespace and nothing but plain structs
// is included.
//
// The query rows of an item and the query heads that share its KV head form one list of packed rows
// (row-major, heads inside), cut into blocks. A block walks the keys in tiles of kKvTile tokens at
// absolute positions 0, 128, 256, ...: scores of the tile, online softmax, weights times values.
//
// Why a row's bits depend on its own q, keys and values only, wherever it is computed:
//   - every score is one chain over ascending pairs of dims;
//   - a tile changes a row by one rule: raise the maximum, rescale the row's sums if it rose, add
//     the tile's weighted values pair of tokens by pair, in the order of ValueStrip;
//   - tokens that a row does not see, but its neighbours do, have weight zero. Adding zero times a
//     finite value is exact but for the sign of zero, which Finish drops by adding +0.
//
// `Isa` supplies the arithmetic:
//   Query, Weight             elements of the packed queries and of the softmax weights
//   kRows                     packed rows that stay in registers at once: a strip
//   kQueryPerPair             elements of Query that hold two bf16
//   PackQuery(pair, to)       two bf16 to Query
//   Scores(strip)             the scores of a strip
//   Softmax(row)              turns a row's scores into weights, updates m, l and o
//   Values(strip)             o += weights times values
//   Finish(o, l, d, out)      o / l as bf16
#include <immintrin.h>
#include <stdint.h>

#include "kernels/cpu/attention_isa.h"
#include "kernels/paged_attention.h"

namespace weir::cpu {
namespace {

constexpr int kPanelTokens = 16;
constexpr int kKvTile = 128;  // tokens; another number gives other bits
constexpr int kTilePanels = kKvTile / kPanelTokens;
constexpr int kSumLanes = 16;
constexpr int kBlockRows = 96;
constexpr int kSmallStripRows = 3;                           // in blocks of up to two strips
constexpr int64_t kBlockFloats = int64_t{kBlockRows} * 128;  // bounds rows x head_dim of a block
static_assert(kMaxHeadDim <= kBlockFloats, "a block must hold a row");

// 2^f = sum of kExp2[i] f^i for |f| <= 1/2, relative error below 3e-7 in f32, exact at 0.
constexpr float kExp2[] = {1.0f,          0.693147182f,   0.240223497f,
                           0.0555038117f, 0.00966636837f, 0.00133812928f};

// Where the panels of a tile stand, and those of the next tile, which are fetched into the L2 cache
// meanwhile: each load of a key or value comes with a prefetch of the same place in the next tile.
// A panel is a stretch of 4 KiB or so somewhere in memory, and the processor's own prefetchers add
// to the bandwidth only where several stretches are walked at once; so all loops take panels in
// turn, line by line. Without a next tile `next` repeats this one.
struct Tile {
  const Bf16* k[kTilePanels];
  const Bf16* v[kTilePanels];
  const Bf16* next_k[kTilePanels];
  const Bf16* next_v[kTilePanels];
};

// Which part of the next tile a strip fetches while it passes over this one. With two strips each
// fetches every other line, so that memory is not idle during the second; with more the arithmetic
// takes longer than the fetching, which the first strip does alone.
enum class Fetch { kNone, kAll, kEven, kOdd };

constexpr bool Fetches(Fetch fetch, int line) {
  return fetch == Fetch::kAll || (fetch == Fetch::kEven && line % 2 == 0) ||
         (fetch == Fetch::kOdd && line % 2 == 1);
}

// Scores of some panels of the tile for a strip of rows.
template <class Isa>
struct ScoreStrip {
  const typename Isa::Query* q;  // [d / 2][rows][kQueryPerPair]
  int rows;
  int first_panel;
  int num_panels;
  int64_t d;
  const Tile* tile;
  Fetch fetch;
  float* scores;  // [rows][kKvTile]
};

// The softmax so far is in base 2: weights are 2^(score * scale_log2 - m), l their sum in lanes.
template <class Isa>
struct SoftmaxRow {
  const float* scores;  // [kKvTile]; those of unseen tokens may hold anything
  int64_t visible;      // tokens of this tile that the row sees; may be <= 0 or beyond the tile
  float scale_log2;
  int64_t padded_d;
  float* m;
  float* l;                 // [kSumLanes]
  float* o;                 // [padded_d]
  typename Isa::Weight* p;  // [kKvTile]
};

// Dims [first_dim, end_dim) of the tile's first num_panels panels for a strip of rows. Tokens are
// added in the order: the first pair of each panel, the second pair of each panel, and so on.
template <class Isa>
struct ValueStrip {
  const typename Isa::Weight* p;  // [rows][kKvTile]
  int rows;
  int num_panels;
  int64_t first_dim;  // a multiple of 16
  int64_t end_dim;    // one too, or d
  int64_t d;
  int64_t padded_d;
  const Tile* tile;
  Fetch fetch;
  float* o;  // [rows][padded_d]
};

// One block of packed rows with its running softmax.
template <class Isa>
struct Block {
  alignas(64) float o[kBlockFloats];
  alignas(64) typename Isa::Query q[kBlockFloats / 2 * Isa::kQueryPerPair];
  alignas(64) float scores[kBlockRows * kKvTile];
  alignas(64) typename Isa::Weight p[kBlockRows * kKvTile];
  alignas(64) float l[kBlockRows * kSumLanes];
  float m[kBlockRows];
  int32_t visible[kBlockRows];  // tokens that each row sees; ascending
  int rows;
  int strip_rows;
  int64_t d;
  int64_t padded_d;  // d rounded up to 16

  // What is in the L1 cache while all strips pass over it: up to 16 KiB of a tile. Blocks of one
  // strip or two take all panels at once instead, to read memory as fast as it comes.
  bool small() const { return rows <= 2 * kSmallStripRows; }
  int panels_at_once() const { return small() ? kTilePanels : kTilePanels / 2; }
  int64_t dims_at_once() const { return small() ? padded_d : 64; }
  Fetch FetchOf(int first_row) const {
    if (small() && rows > strip_rows) return first_row == 0 ? Fetch::kEven : Fetch::kOdd;
    return first_row == 0 ? Fetch::kAll : Fetch::kNone;
  }
};

// The item's packed rows in terms of the arguments.
struct ItemView {
  const PagedAttentionArgs& args;
  const AttnItem& item;
  int64_t group;
  int64_t first_row;   // of the sequence, in the batch
  int64_t first_seen;  // tokens that the sequence's first new row sees

  ItemView(const PagedAttentionArgs& a, const AttnItem& i)
      : args(a), item(i), group(a.num_q_heads / a.kv.num_kv_heads), first_row(a.row_begin[i.seq]) {
    first_seen = a.kv_len[i.seq] - (a.row_begin[i.seq + 1] - first_row) + 1;
  }
  int64_t num_packed() const { return (int64_t{item.q_end} - item.q_begin) * group; }
  int32_t Visible(int64_t packed) const {
    return static_cast<int32_t>(first_seen + item.q_begin + packed / group);
  }
  // Of the packed row's first element in q and out.
  int64_t Offset(int64_t packed) const {
    const int64_t row = first_row + item.q_begin + packed / group;
    const int64_t head = item.kv_head * group + packed % group;
    return (row * args.num_q_heads + head) * args.kv.head_dim;
  }
};

int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }
int PanelsFor(int64_t tokens) {
  return static_cast<int>((Min(tokens, kKvTile) + kPanelTokens - 1) / kPanelTokens);
}

// Of the panel that holds `token`, in elements; the same for keys and values.
int64_t PanelOffset(const ItemView& view, int64_t token) {
  const KvPages& kv = view.args.kv;
  const int64_t page = view.args.pages[view.args.page_begin[view.item.seq] + token / kv.page_len];
  const int64_t first = (page * kv.num_kv_heads + view.item.kv_head) * kv.page_len;
  return (first + token % kv.page_len) * kv.head_dim;
}

struct TileOffsets {
  int64_t panel[kTilePanels];
  int num_panels;
};

TileOffsets FindTile(const ItemView& view, int64_t begin, int64_t end) {
  TileOffsets tile{{}, PanelsFor(end - begin)};
  for (int i = 0; i < tile.num_panels; ++i) {
    tile.panel[i] = PanelOffset(view, begin + i * kPanelTokens);
  }
  return tile;
}

Tile Locate(const KvPages& kv, const TileOffsets& at, const TileOffsets& next) {
  Tile tile;
  for (int i = 0; i < kTilePanels; ++i) {
    // A panel beyond the end is not read; the first is a harmless one to fetch.
    const int64_t here = at.panel[i < at.num_panels ? i : 0];
    const int64_t there = next.panel[i < next.num_panels ? i : 0];
    tile.k[i] = kv.k + here;
    tile.v[i] = kv.v + here;
    tile.next_k[i] = kv.k + there;
    tile.next_v[i] = kv.v + there;
  }
  return tile;
}

// Strips hold the pairs of their rows side by side, so that a strip is read from front to back.
template <class Isa>
void LoadQueries(const ItemView& view, int64_t first, Block<Isa>& block) {
  typename Isa::Query* to = block.q;
  for (int strip = 0; strip < block.rows; strip += block.strip_rows) {
    const int rows = static_cast<int>(Min(block.strip_rows, block.rows - strip));
    for (int r = 0; r < rows; ++r) {
      const Bf16* q = view.args.q + view.Offset(first + strip + r);
      for (int64_t i = 0; i < block.d / 2; ++i) {
        Isa::PackQuery(q + 2 * i, to + (i * rows + r) * Isa::kQueryPerPair);
      }
    }
    to += block.d / 2 * rows * Isa::kQueryPerPair;
  }
}

template <class Isa>
void StartBlock(const ItemView& view, int64_t first, Block<Isa>& block) {
  LoadQueries(view, first, block);
  for (int r = 0; r < block.rows; ++r) {
    block.visible[r] = view.Visible(first + r);
    block.m[r] = -__builtin_inff();
  }
  for (int i = 0; i < block.rows * kSumLanes; ++i) block.l[i] = 0;
  for (int64_t i = 0; i < block.rows * block.padded_d; ++i) block.o[i] = 0;
}

// Calls fn(first_row, rows, seen) for each strip that sees tokens from `begin` on.
template <class Isa, class Fn>
void ForStrips(const Block<Isa>& block, int64_t begin, Fn&& fn) {
  for (int first = 0; first < block.rows; first += block.strip_rows) {
    const int rows = static_cast<int>(Min(block.strip_rows, block.rows - first));
    const int64_t seen = block.visible[first + rows - 1] - begin;
    if (seen > 0) fn(first, rows, seen);
  }
}

template <class Isa>
void ScoreTile(Block<Isa>& block, int64_t begin, const Tile& tile) {
  const int at_once = block.panels_at_once();
  const int num_panels = PanelsFor(block.visible[block.rows - 1] - begin);
  for (int panel = 0; panel < num_panels; panel += at_once) {
    ForStrips(block, begin, [&](int first, int rows, int64_t seen) {
      const int count = static_cast<int>(Min(at_once, PanelsFor(seen) - panel));
      if (count <= 0) return;
      const int64_t q_at = first * (block.d / 2) * Isa::kQueryPerPair;
      Isa::Scores(ScoreStrip<Isa>{block.q + q_at, rows, panel, count, block.d, &tile,
                                  block.FetchOf(first), block.scores + first * kKvTile});
    });
  }
}

template <class Isa>
void WeighTile(Block<Isa>& block, int64_t begin, float scale_log2) {
  ForStrips(block, begin, [&](int first, int rows, int64_t) {
    for (int row = first; row < first + rows; ++row) {
      Isa::Softmax(SoftmaxRow<Isa>{block.scores + row * kKvTile, block.visible[row] - begin,
                                   scale_log2, block.padded_d, &block.m[row],
                                   block.l + row * kSumLanes, block.o + row * block.padded_d,
                                   block.p + row * kKvTile});
    }
  });
}

template <class Isa>
void AddValues(Block<Isa>& block, int64_t begin, const Tile& tile) {
  for (int64_t dim = 0; dim < block.d; dim += block.dims_at_once()) {
    const int64_t end = Min(block.d, dim + block.dims_at_once());
    ForStrips(block, begin, [&](int first, int rows, int64_t seen) {
      Isa::Values(ValueStrip<Isa>{block.p + first * kKvTile, rows, PanelsFor(seen), dim, end,
                                  block.d, block.padded_d, &tile, block.FetchOf(first),
                                  block.o + first * block.padded_d});
    });
  }
}

// Folds the tokens [kv_begin, kv_end) into the block's m, l and o. Requires kv_begin to be a
// multiple of kKvTile and kv_end to be one too or to be at least what the last row sees.
template <class Isa>
void AttendRange(const ItemView& view, int64_t kv_begin, int64_t kv_end, Block<Isa>& block) {
  const float scale_log2 = view.args.scale * 1.44269504f;
  const int64_t end = Min(kv_end, block.visible[block.rows - 1]);
  TileOffsets offsets = FindTile(view, kv_begin, end);
  for (int64_t begin = kv_begin; begin < end; begin += kKvTile) {
    const bool last = begin + kKvTile >= end;
    const TileOffsets next = last ? offsets : FindTile(view, begin + kKvTile, end);
    const Tile tile = Locate(view.args.kv, offsets, next);
    ScoreTile(block, begin, tile);
    WeighTile(block, begin, scale_log2);
    AddValues(block, begin, tile);
    offsets = next;
  }
}

template <class Isa>
void Attend(const PagedAttentionArgs& args, const AttnItem& item) {
  const ItemView view(args, item);
  Block<Isa> block;
  block.d = args.kv.head_dim;
  block.padded_d = (block.d + 15) / 16 * 16;
  // Blocks of about equal size, of whole strips where there is room; any cut gives the same bits.
  const int64_t packed = view.num_packed();
  if (packed <= 0) return;
  const int64_t fit = Min(kBlockRows, kBlockFloats / block.padded_d);
  const int64_t blocks = (packed + fit - 1) / fit;
  const int64_t strips = (packed + blocks * Isa::kRows - 1) / (blocks * Isa::kRows);
  const int64_t step = Min(fit, strips * Isa::kRows);
  for (int64_t first = 0; first < packed; first += step) {
    block.rows = static_cast<int>(Min(step, packed - first));
    block.strip_rows = !block.small()                  ? Isa::kRows
                       : block.rows <= kSmallStripRows ? block.rows
                                                       : (block.rows + 1) / 2;
    StartBlock(view, first, block);
    AttendRange(view, 0, block.visible[block.rows - 1], block);
    for (int r = 0; r < block.rows; ++r) {
      Isa::Finish(block.o + r * block.padded_d, block.l + r * kSumLanes, block.d,
                  args.out + view.Offset(first + r));
    }
  }
}

}  // namespace
}  // namespace weir::cpu
