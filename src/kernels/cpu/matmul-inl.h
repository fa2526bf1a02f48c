// SPDX-License-Identifier: Apache-2.0
//
// The matrix product for one instruction set, written once. Included by the files that are compiled
// for one instruction set only, so everything is in the anonymous namespace and nothing but plain
// structs is included.
//
// A tile is computed in chunks of k. Per chunk the rows of x are copied to scratch (padded against
// cache set conflicts, zero beyond k, in the form that the broadcasts want), then every group of
// panels is multiplied with all blocks of rows while it is in the L2 cache. A block's sums stay in
// registers for the whole chunk and in scratch between chunks, which is exact. So each output is
// one chain over ascending k, whatever the tile.
//
// `Isa` supplies the vectors:
//   Vec, kLanes              a vector of f32 sums and its length, a divisor of 16
//   X, kXPerPair             an element of the copy of x, and how many of them hold two bf16
//   kSteps                   a pair of k is added in this many steps
//   kBlockRows, kTileRows    see MatmulIsa
//   PanelsFor(rows)          panels that a block of `rows` rows handles at once
//   Zero, Load, Store, Add   on Vec
//   Weights(p, v, step)      vector v of the 64 bytes at p, what `step` needs of it
//   Broadcast(x, step)       one pair of x for all lanes, what `step` needs of it
//   Dot(sum, x, w)           sum + x * w
//   CopyX(from, count, to)   `count` bf16 to X, zeros up to the end of the last pair
//   LoadPart, StorePart      the first `count` lanes, 1 <= count < kLanes
#include <immintrin.h>
#include <stdint.h>

#include "kernels/cpu/matmul_isa.h"
#include "kernels/matmul.h"

namespace weir::cpu {
namespace {

constexpr int kChunkPairs = 512;
constexpr int64_t kVectorBytes = 64;  // 16 outputs times two k

template <class Isa>
struct Layout {
  // One cache line more than the chunk: rows a multiple of 4 KiB apart would share a few L1 sets.
  static constexpr int kXStride =
      kChunkPairs * Isa::kXPerPair + 64 / static_cast<int>(sizeof(typename Isa::X));
  static constexpr int kVecsPerPanel = kPanelRows / Isa::kLanes;
};

// One block of rows times one group of panels over one chunk of k.
template <class Isa>
struct Block {
  const typename Isa::X* x;
  const char* w;
  int64_t panel_bytes;
  int pairs;
  float* sums;
  int64_t sums_stride;
  bool first;            // the sums begin at zero
  const char* prefetch;  // weights wanted next
};

// Adds one step of one pair of k. The shorter side stays in registers: with few rows their
// broadcasts, otherwise the weights.
template <class Isa, int kRows, int kPanels>
[[gnu::always_inline]] inline void AddStep(
    const Block<Isa>& b, const typename Isa::X* x, const char* w, int step,
    typename Isa::Vec (&sum)[kRows][kPanels * Layout<Isa>::kVecsPerPanel]) {
  using L = Layout<Isa>;
  constexpr int kVecs = kPanels * L::kVecsPerPanel;
  const auto weights_at = [&](int v) {
    return Isa::Weights(w + v / L::kVecsPerPanel * b.panel_bytes, v % L::kVecsPerPanel, step);
  };
  if constexpr (kRows < kVecs) {
    typename Isa::B pairs[kRows];
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) pairs[r] = Isa::Broadcast(x + r * L::kXStride, step);
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) {
      const typename Isa::W weights = weights_at(v);
#pragma GCC unroll 16
      for (int r = 0; r < kRows; ++r) sum[r][v] = Isa::Dot(sum[r][v], pairs[r], weights);
    }
  } else {
    typename Isa::W weights[kVecs];
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) weights[v] = weights_at(v);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const typename Isa::B pair = Isa::Broadcast(x + r * L::kXStride, step);
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) sum[r][v] = Isa::Dot(sum[r][v], pair, weights[v]);
    }
  }
}

template <class Isa, int kRows, int kPanels, int kPrefetches>
void ComputeBlock(const Block<Isa>& b) {
  using L = Layout<Isa>;
  using Vec = typename Isa::Vec;
  constexpr int kVecs = kPanels * L::kVecsPerPanel;
  Vec sum[kRows][kVecs];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) {
      sum[r][v] = b.first ? Isa::Zero() : Isa::Load(b.sums + r * b.sums_stride + v * Isa::kLanes);
    }
  }
  const typename Isa::X* x = b.x;
  const char* w = b.w;
  const char* prefetch = b.prefetch;
  for (int i = 0; i < b.pairs; ++i) {
#pragma GCC unroll 16
    for (int p = 0; p < kPrefetches; ++p) {
      _mm_prefetch(prefetch + p * b.panel_bytes, _MM_HINT_T1);
    }
#pragma GCC unroll 2
    for (int step = 0; step < Isa::kSteps; ++step) AddStep<Isa, kRows, kPanels>(b, x, w, step, sum);
    x += Isa::kXPerPair;
    w += kVectorBytes;
    prefetch += kVectorBytes;
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) {
      Isa::Store(b.sums + r * b.sums_stride + v * Isa::kLanes, sum[r][v]);
    }
  }
}

template <class Isa>
using BlockFn = void (*)(const Block<Isa>&);

// `alone`: the tile has one block of rows, which then prefetches all that it will need; otherwise
// the blocks of the tile share that work.
template <class Isa, int kRows, int kPanels>
BlockFn<Isa> PickPrefetch(bool alone) {
  return alone ? ComputeBlock<Isa, kRows, kPanels, kPanels> : ComputeBlock<Isa, kRows, kPanels, 1>;
}

template <class Isa, int kRows, int kPanels = Isa::PanelsFor(kRows)>
BlockFn<Isa> PickPanels(int panels, bool alone) {
  if constexpr (kPanels > 1) {
    if (panels < kPanels) return PickPanels<Isa, kRows, kPanels / 2>(panels, alone);
  }
  return PickPrefetch<Isa, kRows, kPanels>(alone);
}

template <class Isa, int kRows = Isa::kBlockRows>
BlockFn<Isa> PickBlock(int rows, int panels, bool alone) {
  if constexpr (kRows > 1) {
    if (rows < kRows) return PickBlock<Isa, kRows - 1>(rows, panels, alone);
  }
  return PickPanels<Isa, kRows>(panels, alone);
}

// The loops over one tile.
template <class Isa>
class TileLoop {
 public:
  TileLoop(const MatmulArgs& args, const MatmulTile& tile)
      : args_(args),
        tile_(tile),
        rows_(tile.row_end - tile.row_begin),
        panels_(tile.panel_end - tile.panel_begin),
        num_blocks_((rows_ + Isa::kBlockRows - 1) / Isa::kBlockRows),
        all_pairs_((static_cast<int64_t>(args.w.k) + 1) / 2),
        panel_bytes_(all_pairs_ * kVectorBytes) {}

  void Run() {
    const int64_t num_chunks = (all_pairs_ + kChunkPairs - 1) / kChunkPairs;
    const int64_t step = num_chunks == 0 ? 0 : (all_pairs_ + num_chunks - 1) / num_chunks;
    int64_t begin = 0;
    do {  // at least once: with k = 0 it writes the zeros
      const int64_t left = all_pairs_ - begin;
      Chunk(begin, static_cast<int>(left < step ? left : step));
      begin += step;
    } while (begin < all_pairs_);
    for (int r = 0; r < rows_; ++r) WriteRow(r);
  }

 private:
  using X = typename Isa::X;
  static constexpr int kXStride = Layout<Isa>::kXStride;

  const char* WeightsAt(int64_t panel, int64_t pair) const {
    return reinterpret_cast<const char*>(args_.w.data) + panel * panel_bytes_ + pair * kVectorBytes;
  }

  // First row of block b: blocks differ by one row at most, so that none is too small to be fast.
  int BlockBegin(int b) const { return static_cast<int>(int64_t{rows_} * b / num_blocks_); }

  void CopyX(int64_t first_pair, int pairs) {
    const int64_t left = args_.w.k - 2 * first_pair;
    const int count = static_cast<int>(left < 2 * pairs ? left : 2 * pairs);
    for (int r = 0; r < rows_; ++r) {
      Isa::CopyX(args_.x + (tile_.row_begin + r) * args_.x_stride + 2 * first_pair, count,
                 x_ + r * kXStride);
    }
  }

  // The weights after panel `panel` of this chunk in the order of the loops.
  const char* After(int panel, int64_t first_pair, int pairs) const {
    if (panel < panels_) return WeightsAt(tile_.panel_begin + panel, first_pair);
    if (first_pair + pairs < all_pairs_) return WeightsAt(tile_.panel_begin, first_pair + pairs);
    return tile_.next_panel < 0 ? nullptr : WeightsAt(tile_.next_panel, 0);
  }

  void Chunk(int64_t first_pair, int pairs) {
    CopyX(first_pair, pairs);
    const bool alone = num_blocks_ == 1;
    int group = Isa::PanelsFor((rows_ + num_blocks_ - 1) / num_blocks_);
    for (int panel = 0; panel < panels_; panel += group) {
      while (group > panels_ - panel) group /= 2;
      const char* w = WeightsAt(tile_.panel_begin + panel, first_pair);
      const char* next = After(panel + group, first_pair, pairs);
      for (int b = 0; b < num_blocks_; ++b) {
        const int begin = BlockBegin(b);
        const bool prefetch = next != nullptr && b < group;
        PickBlock<Isa>(BlockBegin(b + 1) - begin, group,
                       alone)({x_ + begin * kXStride, w, panel_bytes_, pairs,
                               sums_ + (static_cast<int64_t>(begin) * panels_ + panel) * kPanelRows,
                               int64_t{panels_} * kPanelRows, first_pair == 0,
                               prefetch ? next + b * panel_bytes_ : w});
      }
    }
  }

  void WriteRow(int r) const {
    const int64_t col = int64_t{tile_.panel_begin} * kPanelRows;
    const int64_t left = args_.w.n - col;
    const int64_t cols = left < panels_ * kPanelRows ? left : panels_ * kPanelRows;
    const float* sums = sums_ + int64_t{r} * panels_ * kPanelRows;
    const float* bias = args_.bias == nullptr ? nullptr : args_.bias + col;
    float* out = args_.out + (tile_.row_begin + r) * args_.out_stride + col;
    int64_t c = 0;
    for (; c + Isa::kLanes <= cols; c += Isa::kLanes) {
      typename Isa::Vec sum = Isa::Load(sums + c);
      if (bias != nullptr) sum = Isa::Add(sum, Isa::Load(bias + c));
      if (args_.accumulate) sum = Isa::Add(Isa::Load(out + c), sum);
      Isa::Store(out + c, sum);
    }
    if (c == cols) return;
    const int count = static_cast<int>(cols - c);
    typename Isa::Vec sum = Isa::Load(sums + c);  // scratch is whole panels
    if (bias != nullptr) sum = Isa::Add(sum, Isa::LoadPart(bias + c, count));
    if (args_.accumulate) sum = Isa::Add(Isa::LoadPart(out + c, count), sum);
    Isa::StorePart(out + c, count, sum);
  }

  const MatmulArgs& args_;
  const MatmulTile& tile_;
  const int rows_;
  const int panels_;
  const int num_blocks_;
  const int64_t all_pairs_;
  const int64_t panel_bytes_;
  alignas(64) X x_[static_cast<int64_t>(Isa::kTileRows) * kXStride];
  alignas(64) float sums_[kTileOutputs];
};

template <class Isa>
void ComputeTile(const MatmulArgs& args, const MatmulTile& tile) {
  TileLoop<Isa>(args, tile).Run();
}

}  // namespace
}  // namespace weir::cpu
