// SPDX-License-Identifier: Apache-2.0
//
// A block of packed rows walks over a range of keys: scores of a tile, online softmax, weights
// times values. Included by the files that are compiled for one instruction set only.
//
// Why a row's bits depend on its own q, keys and values and on the range's first key only, whatever
// block it is in:
//   - every score is one chain over ascending pairs of dims;
//   - a tile changes a row by one rule: raise the maximum, rescale the row's sums if it rose, add
//     the tile's weighted values pair of tokens by pair, in the order of ValueStrip;
//   - tokens that a row does not see, but its neighbours do, have weight zero. Adding zero times a
//     finite value is exact but for the sign of zero, which Finish drops by adding +0.
#ifndef WEIR_KERNELS_CPU_ATTENTION_BLOCK_INL_H_
#define WEIR_KERNELS_CPU_ATTENTION_BLOCK_INL_H_

#include "kernels/cpu/attention_rows-inl.h"
#include "kernels/cpu/attention_strips-inl.h"

namespace weir::cpu {
namespace {

constexpr int kBlockRows = 96;
constexpr int64_t kBlockFloats = int64_t{kBlockRows} * 128;  // bounds rows x head_dim of a block
constexpr int64_t kMaxWideDim = 256;  // int8 tiles of larger heads are widened as they are read,
                                      // and fetching larger heads is left to the processor
constexpr int64_t kMaxSteps = 2 * kMaxWideDim;
constexpr int64_t kMaxFetchDistance = 2 * kFetchDistances[0];
static_assert(kMaxHeadDim <= kBlockFloats, "a block must hold a row");

// Packed rows with their running softmax.
template <class Isa>
struct Block {
  alignas(64) float o[kBlockFloats];
  alignas(64) typename Isa::Query q[kBlockFloats / 2 * Isa::kQueryPerPair];
  alignas(64) float scores[kBlockRows * kKvTile];
  alignas(64) typename Isa::Weight p[kBlockRows * kKvTile];
  alignas(64) float l[kBlockRows * kSumLanes];
  alignas(64) int16_t wide[kKvTile * kMaxWideDim];        // the keys or the values of an int8 tile
  const char* pieces[2 * kMaxSteps + kMaxFetchDistance];  // of this tile and the next
  int64_t tile_steps;
  float m[kBlockRows];
  float q_scale[kBlockRows];  // for int8, with p_scale
  float p_scale[kBlockRows];
  PackedRow row[kBlockRows];
  int64_t strip_end[kBlockRows];  // by a strip's first row: keys that any of its rows sees
  int64_t begin;                  // keys that any row sees
  int64_t end;
  int rows;
  int strip_rows;
  int64_t d;
  int64_t padded_d;  // d rounded up to 16

  // Reads memory faster than it computes, so that fetching is what matters.
  bool small() const { return rows <= 2 * Isa::kRows; }
  // Many strips share the work of widening a tile; few widen it as they read it.
  bool widens_tiles() const { return !small() && d <= kMaxWideDim; }
  Fetch FetchOf(int first_row) const {
    if (d > kMaxWideDim) return Fetch::kNone;
    if (first_row > 0) return Fetch::kNone;
    return small() ? Fetch::kOften : Fetch::kOnce;
  }
  const char* const* PiecesOf(Fetch fetch) const {
    return fetch == Fetch::kOnce ? pieces + tile_steps : pieces;
  }
};

// Keys of one sequence and head, by position.
struct Keys {
  const PagedAttentionArgs& args;
  int64_t seq;
  int64_t kv_head;

  // Of the panel that starts at `token`: its place among the tokens of all pages and heads.
  int64_t Place(int64_t token) const {
    const KvPages& kv = args.kv;
    const int64_t page = args.pages[args.page_begin[seq] + token / kv.page_len];
    return (page * kv.num_kv_heads + kv_head) * kv.page_len + token % kv.page_len;
  }
};

int PanelsFor(int64_t tokens) {
  return static_cast<int>((Min(Max(tokens, 0), kKvTile) + kPanelTokens - 1) / kPanelTokens);
}

struct TilePlaces {
  int64_t panel[kTilePanels];
};

// Of the tile at `begin`. A panel beyond the end is not read; the first stands for it.
TilePlaces FindTile(const Keys& keys, int64_t begin, int64_t end) {
  TilePlaces tile;
  const int num_panels = PanelsFor(end - begin);
  for (int i = 0; i < kTilePanels; ++i) {
    tile.panel[i] = i < num_panels ? keys.Place(begin + i * kPanelTokens) : tile.panel[0];
  }
  return tile;
}

template <class E>
Tile<E> Locate(const KvPages& kv, const TilePlaces& at) {
  Tile<E> tile;
  for (int i = 0; i < kTilePanels; ++i) {
    tile.k[i] = static_cast<const E*>(kv.k) + at.panel[i] * kv.head_dim;
    tile.v[i] = static_cast<const E*>(kv.v) + at.panel[i] * kv.head_dim;
  }
  return tile;
}

// Lists the pieces of the tile that comes after those in the list: see kPiecePairs. Of the keys, a
// piece covers four steps of one panel.
template <class Isa, class E>
void ListPieces(const Tile<E>& next, Block<Isa>& block) {
  const int64_t d = block.d;
  const char** to = block.pieces + block.tile_steps;
  for (int panel = 0; panel < kTilePanels; panel += kPanelsAtOnce) {
    for (int64_t i = 0; i < d / 2; ++i) {
      *to++ = reinterpret_cast<const char*>(next.k[panel + i % 4] + i / 4 * 2 * kPiecePairs);
    }
  }
  for (int64_t dim = 0; dim < d; dim += kDimsAtOnce) {
    for (int t = 0; t < kPanelTokens / 2; ++t) {
      for (int n = 0; n < kTilePanels; ++n) {
        *to++ = reinterpret_cast<const char*>(next.v[n] + (t * d + dim) * 2);
      }
    }
  }
  for (int64_t i = 0; i < kMaxFetchDistance; ++i) to[i] = to[-1];
}

// Makes the next tile this one.
template <class Isa>
void MovePieces(Block<Isa>& block) {
  for (int64_t i = 0; i < block.tile_steps; ++i) {
    block.pieces[i] = block.pieces[block.tile_steps + i];
  }
}

float ToF32(Bf16 x) {
  const uint32_t bits = uint32_t{x.bits} << 16;
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

// q in whole numbers so small that a sum of d products with int8 fits 32 bits. Returns the scale.
float RoundQuery(const Bf16* q, int64_t d, int16_t* to) {
  const auto most = static_cast<float>(Min(INT16_MAX, INT32_MAX / (127 * d)));
  float largest = 0;
  for (int64_t i = 0; i < d; ++i) {
    const float size = __builtin_fabsf(ToF32(q[i]));
    if (size > largest) largest = size;
  }
  const float inverse = largest > 0 ? most / largest : 0.0f;
  for (int64_t i = 0; i < d; ++i) {
    to[i] = static_cast<int16_t>(_mm_cvtss_si32(_mm_set_ss(ToF32(q[i]) * inverse)));
  }
  return largest / most;
}

// Strips hold the pairs of their rows side by side, so that a strip is read from front to back.
template <class Isa>
void LoadQueries(const PagedAttentionArgs& args, Block<Isa>& block) {
  const bool whole = args.kv.dtype == KvDType::kInt8;
  alignas(64) int16_t rounded[kMaxHeadDim];
  typename Isa::Query* to = block.q;
  for (int strip = 0; strip < block.rows; strip += block.strip_rows) {
    const int rows = static_cast<int>(Min(block.strip_rows, block.rows - strip));
    for (int r = 0; r < rows; ++r) {
      const Bf16* q = args.q + block.row[strip + r].at;
      if (whole) {
        block.q_scale[strip + r] = RoundQuery(q, block.d, rounded);
        auto* words = reinterpret_cast<char*>(to);
        for (int64_t i = 0; i < block.d / 2; ++i) {
          __builtin_memcpy(words + (i * rows + r) * 4, rounded + 2 * i, 4);
        }
      } else {
        for (int64_t i = 0; i < block.d / 2; ++i) {
          Isa::PackQuery(q + 2 * i, to + (i * rows + r) * Isa::kQueryPerPair);
        }
      }
    }
    to += block.d / 2 * rows * Isa::kQueryPerPair;
  }
}

template <class Isa>
void StartBlock(const PagedAttentionArgs& args, RowCursor& cursor, Block<Isa>& block) {
  block.begin = INT64_MAX;
  block.end = 0;
  for (int r = 0; r < block.rows; ++r) {
    const PackedRow& row = block.row[r] = cursor.Next();
    int64_t& strip_end = block.strip_end[r / block.strip_rows * block.strip_rows];
    strip_end = r % block.strip_rows == 0 ? row.end : Max(strip_end, row.end);
    block.begin = Min(block.begin, row.begin);
    block.end = Max(block.end, row.end);
  }
  LoadQueries(args, block);
}

template <class Isa>
void ClearSums(Block<Isa>& block) {
  for (int r = 0; r < block.rows; ++r) block.m[r] = kUnseen;
  for (int i = 0; i < block.rows * kSumLanes; ++i) block.l[i] = 0;
  for (int64_t i = 0; i < block.rows * block.padded_d; ++i) block.o[i] = 0;
}

// Calls fn(first_row, rows, seen) for each strip that sees tokens of [begin, end).
template <class Isa, class Fn>
void ForStrips(const Block<Isa>& block, int64_t begin, int64_t end, Fn&& fn) {
  for (int first = 0; first < block.rows; first += block.strip_rows) {
    const int rows = static_cast<int>(Min(block.strip_rows, block.rows - first));
    const int64_t seen = Min(block.strip_end[first], end) - begin;
    if (seen > 0) fn(first, rows, seen);
  }
}

template <class E, class Isa>
void ScoreTile(Block<Isa>& block, int64_t begin, int64_t end, const Tile<E>& tile) {
  const int num_panels = PanelsFor(Min(block.end, end) - begin);
  for (int panel = 0; panel < num_panels; panel += kPanelsAtOnce) {
    ForStrips(block, begin, end, [&](int first, int rows, int64_t seen) {
      const int count = static_cast<int>(Min(kPanelsAtOnce, PanelsFor(seen) - panel));
      if (count <= 0) return;
      const int64_t q_at = first * (block.d / 2) * Isa::kQueryPerPair;
      const Fetch fetch = block.FetchOf(first);
      Isa::template Scores<E>({block.q + q_at, rows, panel, count, block.d, &tile, fetch,
                               block.PiecesOf(fetch), block.scores + first * kKvTile});
    });
  }
}

// What comes between a product of q and k and its softmax, the same for all rows of a tile.
struct Weighing {
  float scale_log2;
  float cap_scale;  // of scores before tanh; 0: no cap
  bool int8;
  const float* k_scales[kTilePanels];
  const float* v_scales[kTilePanels];
};

Weighing WeighingOf(const PagedAttentionArgs& args, const TilePlaces& at) {
  const float cap = args.features.softcap;
  Weighing weighing;
  weighing.scale_log2 = (cap > 0 ? cap : args.scale) * kLog2E;
  weighing.cap_scale = cap > 0 ? args.scale / cap : 0.0f;
  weighing.int8 = args.kv.dtype == KvDType::kInt8;
  for (int i = 0; weighing.int8 && i < kTilePanels; ++i) {
    weighing.k_scales[i] = args.kv.k_scale + at.panel[i];
    weighing.v_scales[i] = args.kv.v_scale + at.panel[i];
  }
  return weighing;
}

// Rows without features and with bf16 keys pass untouched. `unseen` tokens come before the first
// that the row sees, `seen` is counted from the tile's first as well.
template <class Isa>
void ApplyFeatures(const Weighing& weighing, float q_scale, int64_t unseen, int64_t seen,
                   float* scores) {
  const int num_panels = PanelsFor(seen);
  if (weighing.int8) {
    for (int n = 0; n < num_panels; ++n) {
      Isa::ScaleScores(scores + n * kPanelTokens, weighing.k_scales[n], q_scale);
    }
  }
  if (weighing.cap_scale > 0) {
    Isa::CapScores(scores, num_panels * kPanelTokens, weighing.cap_scale);
  }
  const int64_t hidden = Min(unseen, num_panels * kPanelTokens);
  for (int64_t t = 0; t < hidden; ++t) scores[t] = kUnseen;
}

template <class Isa>
void WeighTile(Block<Isa>& block, int64_t begin, int64_t end, const Weighing& weighing) {
  ForStrips(block, begin, end, [&](int first, int rows, int64_t) {
    for (int r = first; r < first + rows; ++r) {
      const int64_t seen = Min(block.row[r].end, end) - begin;
      float* scores = block.scores + r * kKvTile;
      ApplyFeatures<Isa>(weighing, block.q_scale[r], block.row[r].begin - begin, seen, scores);
      const SoftmaxRow<Isa> row{scores,
                                seen,
                                weighing.scale_log2,
                                block.padded_d,
                                weighing.v_scales,
                                &block.p_scale[r],
                                &block.m[r],
                                block.l + r * kSumLanes,
                                block.o + r * block.padded_d,
                                block.p + r * kKvTile};
      weighing.int8 ? Isa::template Softmax<true>(row) : Isa::template Softmax<false>(row);
    }
  });
}

template <class E, class Isa>
void AddValues(Block<Isa>& block, int64_t begin, int64_t end, const Tile<E>& tile) {
  for (int64_t dim = 0; dim < block.d; dim += kDimsAtOnce) {
    const int64_t end_dim = Min(block.d, dim + kDimsAtOnce);
    ForStrips(block, begin, end, [&](int first, int rows, int64_t seen) {
      const Fetch fetch = block.FetchOf(first);
      Isa::template Values<E>({block.p + first * kKvTile, block.p_scale + first, rows,
                               PanelsFor(seen), dim, end_dim, block.d, block.padded_d, &tile, fetch,
                               block.PiecesOf(fetch), block.o + first * block.padded_d});
    });
  }
}

// A tile in block.wide, of the panels of int8 at `from`.
template <class Isa>
Tile<int16_t> WidenPanels(const int8_t* const* from, int num_panels, Block<Isa>& block) {
  const int64_t panel = kPanelTokens * block.d;
  Tile<int16_t> wide;
  for (int n = 0; n < kTilePanels; ++n) {
    int16_t* to = block.wide + n * panel;
    wide.k[n] = wide.v[n] = to;
    if (n < num_panels) Isa::Widen(from[n], panel, to);
  }
  return wide;
}

// Folds the tokens [begin, end) of a tile into the block's m, l and o.
template <class Isa, class E>
void AttendTile(const PagedAttentionArgs& args, int64_t begin, int64_t end, const TilePlaces& at,
                const Tile<E>& tile, Block<Isa>& block) {
  const Weighing weighing = WeighingOf(args, at);
  if constexpr (sizeof(E) == 1) {
    if (block.widens_tiles()) {
      const int num_panels = PanelsFor(Min(block.end, end) - begin);
      ScoreTile(block, begin, end, WidenPanels(tile.k, num_panels, block));
      WeighTile(block, begin, end, weighing);
      AddValues(block, begin, end, WidenPanels(tile.v, num_panels, block));
      return;
    }
  }
  ScoreTile(block, begin, end, tile);
  WeighTile(block, begin, end, weighing);
  AddValues(block, begin, end, tile);
}

// Folds the tokens [begin, end) into the block's m, l and o, in tiles counted from `begin`.
template <class Isa, class E>
void AttendRange(const Keys& keys, int64_t begin, int64_t end, Block<Isa>& block) {
  const int64_t last = Min(end, block.end);
  begin += Max(block.begin - begin, 0) / kKvTile * kKvTile;  // tiles that no row sees
  if (begin >= last) return;
  const KvPages& kv = keys.args.kv;
  TilePlaces places = FindTile(keys, begin, last);
  Tile<E> tile = Locate<E>(kv, places);
  const bool fetches = block.FetchOf(0) != Fetch::kNone;
  if (fetches) ListPieces(tile, block);
  for (; begin < last; begin += kKvTile) {
    const int64_t next_begin = Min(begin + kKvTile, end);
    const bool more = next_begin < block.end;
    const TilePlaces next_places = more ? FindTile(keys, next_begin, block.end) : places;
    const Tile<E> next = Locate<E>(kv, next_places);
    if (fetches) {
      MovePieces(block);
      ListPieces(next, block);
    }
    AttendTile<Isa, E>(keys.args, begin, last, places, tile, block);
    places = next_places;
    tile = next;
  }
}

}  // namespace
}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_ATTENTION_BLOCK_INL_H_
