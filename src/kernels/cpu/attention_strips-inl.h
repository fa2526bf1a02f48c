// SPDX-License-Identifier: Apache-2.0
//
// What the walk over a work item hands to the arithmetic of an instruction set: strips of packed
// rows, tiles of keys and values, parts. Included by the files that are compiled for one
// instruction set only, so everything is in the anonymous namespace and nothing but plain structs
// is included.
//
// `E` is the element that the arithmetic reads: Bf16; or int8_t, or int16_t of the same value. With
// the latter two, products are of whole numbers: q is rounded to some 15 bits of the largest of its
// head, softmax weights times the values' scales to 15 bits of the largest of the tile.
//
// `Isa` supplies:
//   Query, Weight             elements of the packed queries and of the softmax weights; large
//   enough
//                             for an int16_t
//   kRows                     packed rows that stay in registers at once: a strip
//   kQueryPerPair             elements of Query that hold two bf16; two int16_t take half of them
//                             or all
//   PackQuery(pair, to)       two bf16 to Query
//   Scores<E>(strip)          the scores of a strip
//   ScaleScores(panel, scales, scale)   16 scores times their keys' scales, times q's
//   CapScores(scores, n, scale)    n scores, a multiple of 16: tanh(scale * score)
//   Softmax<kWhole>(row)      turns a row's scores into weights, updates m, l and o
//   Values<E>(strip)          o += weights times values
//   Sum(l)                    of kSumLanes lanes
//   Fold(part, to)            joins two parts
//   Finish(part, sink, d, out)     o / l as bf16
//   Widen(from, n, to)        int8_t to int16_t, n a multiple of 32
#ifndef WEIR_KERNELS_CPU_ATTENTION_STRIPS_INL_H_
#define WEIR_KERNELS_CPU_ATTENTION_STRIPS_INL_H_

#include <immintrin.h>
#include <stdint.h>

#include "kernels/paged_attention.h"

namespace weir::cpu {
namespace {

constexpr int kPanelTokens = 16;
constexpr int kKvTile = 128;  // tokens; another number gives other bits
constexpr int kTilePanels = kKvTile / kPanelTokens;
constexpr int kSumLanes = 16;
constexpr int kPanelsAtOnce = kTilePanels / 2;  // with kDimsAtOnce: 16 KiB of keys or values stay
constexpr int64_t kDimsAtOnce = 64;             // in the L1 cache while all strips pass over them
constexpr float kLog2E = 1.44269504f;
constexpr float kUnseen = -__builtin_inff();
constexpr float kLeastWeight = 1e-30f;  // of a tile over int8 values; less is nothing

// 2^f = sum of kExp2[i] f^i for |f| <= 1/2, relative error below 3e-7 in f32, exact at 0.
constexpr float kExp2[] = {1.0f,          0.693147182f,   0.240223497f,
                           0.0555038117f, 0.00966636837f, 0.00133812928f};

// tanh(x) = x + x^3 (sum of kTanh[i] x^2i) for |x| < kTanhSmall, relative error below 2e-7 in f32.
// Beyond, tanh(x) = (1 - t) / (1 + t) with t = e^-2x has an error below that too.
constexpr float kTanhSmall = 0.625f;
constexpr float kTanh[] = {-0.333332819f, 0.133314422f, -0.0537397156f, 0.0206390888f,
                           -0.00570498873f};

// Where the panels of a tile stand.
template <class E>
struct Tile {
  const E* k[kTilePanels];
  const E* v[kTilePanels];
};

// The walk over a tile is counted in steps of four vectors of 16 pairs: first those of the keys, of
// kPanelsAtOnce panels at a time, d / 2 each; then 64 for every kDimsAtOnce of the values. The list
// of a tile's pieces has an entry for every step, so that whoever walks can have memory fetched
// into the L2 cache for a step that is to come. A piece is as long as the four vectors.
constexpr int64_t kPiecePairs = 64;

// How often a strip has each piece fetched while it passes over a tile. The processor drops
// prefetches while too many are under way, and few streams at a time give its own prefetchers
// little to go by; so blocks that are done with a tile before the next one is there ask several
// times, at distances in steps that suit memory. For the others once is enough.
enum class Fetch { kNone, kOnce, kOften };
constexpr int kFetchDistances[] = {128, 96, 64, 32, 16};  // for bf16; twice that for int8

// Scores of up to kPanelsAtOnce panels of the tile for a strip of rows, keys taken as if their
// scale were 1.
template <class Isa, class E>
struct ScoreStrip {
  const typename Isa::Query* q;  // [d / 2][rows][kQueryPerPair]
  int rows;
  int first_panel;
  int num_panels;
  int64_t d;
  const Tile<E>* tile;
  Fetch fetch;
  const char* const* pieces;  // of the tile; for kOnce of the next one
  float* scores;              // [rows][kKvTile]
};

// The softmax so far is in base 2: weights are 2^(score * scale_log2 - m), l their sum in lanes.
template <class Isa>
struct SoftmaxRow {
  const float* scores;  // [kKvTile]; -inf where unseen; those from `visible` on may be anything
  int64_t visible;      // may be <= 0 or beyond the tile
  float scale_log2;
  int64_t padded_d;
  const float* const* v_scales;  // by panel, for kWhole: weights times these are stored as whole
  float* p_scale;                // numbers, to be multiplied by *p_scale
  float* m;
  float* l;                 // [kSumLanes]
  float* o;                 // [padded_d]
  typename Isa::Weight* p;  // [kKvTile]
};

// Dims [first_dim, end_dim) of the tile's first num_panels panels for a strip of rows. Tokens are
// added in the order: the first pair of each panel, the second pair of each panel, and so on.
template <class Isa, class E>
struct ValueStrip {
  const typename Isa::Weight* p;  // [rows][kKvTile]
  const float* p_scales;          // [rows], for whole numbers
  int rows;
  int num_panels;
  int64_t first_dim;  // a multiple of kDimsAtOnce
  int64_t end_dim;    // at most kDimsAtOnce more; d if less
  int64_t d;
  int64_t padded_d;
  const Tile<E>* tile;
  Fetch fetch;
  const char* const* pieces;  // of the tile; for kOnce of the next one
  float* o;                   // [rows][padded_d]
};

// One row's result over some keys. Where it sees none of them l is zero, m is -inf and o anything.
struct Part {
  float* o;  // [padded_d], 64-byte aligned
  float* m;  // the largest score, in base 2
  float* l;
  int64_t padded_d;
};

// Inlined by force: GCC sees that a function does nothing but prefetch, and drops its calls.
#define WEIR_INLINE inline __attribute__((always_inline))

WEIR_INLINE void FetchLines(const char* piece, int first_line, int end_line) {
#pragma GCC unroll 4
  for (int i = first_line; i < end_line; ++i) _mm_prefetch(piece + i * 64, _MM_HINT_T1);
}

// Has lines [first_line, end_line) of pieces fetched, at step `step`.
template <class E, Fetch kFetch>
WEIR_INLINE void FetchPieces(const char* const* pieces, int64_t step, int first_line,
                             int end_line) {
  if constexpr (kFetch == Fetch::kOnce) FetchLines(pieces[step], first_line, end_line);
  if constexpr (kFetch == Fetch::kOften) {
#pragma GCC unroll 8
    for (const int distance : kFetchDistances) {
      FetchLines(pieces[step + distance * 2 / int{sizeof(E)}], first_line, end_line);
    }
  }
}

// In the slot of `row`.
Part PartAt(float* row, int64_t padded_d) {
  return {row, row + padded_d, row + padded_d + 1, padded_d};
}

}  // namespace
}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_ATTENTION_STRIPS_INL_H_
