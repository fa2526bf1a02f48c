// SPDX-License-Identifier: Apache-2.0
//
// Cuts a matrix product into tiles and spreads them over the workers. How it is cut decides speed
// only: every output is computed whole by one worker, in one order.
#include "kernels/cpu/matmul.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/matmul_isa.h"
#include "kernels/cpu/parallel.h"

namespace weir::cpu {
namespace {

constexpr int32_t kFewPanels = 4;
constexpr int32_t kMostPanels = 32;  // the copy of x in a tile is then used often enough

int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

// One pass over the weights: each worker streams its own stretch of panels, as many as scratch
// holds at a time.
void StreamWeights(const MatmulIsa& isa, const MatmulArgs& args, Stream stream) {
  const auto panels = static_cast<int32_t>(CeilDiv(args.w.n, kPanelRows));
  const int32_t most = kTileOutputs / kPanelRows / args.m;
  // Stretches of whole groups of 8 panels, unless that would leave workers idle.
  const int64_t grain = panels >= 64 * NumThreads(stream) ? 8 : 1;
  ForRanges(stream, panels, grain, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; panel += most) {
      const int64_t stop = std::min<int64_t>(end, panel + most);
      isa.tile(args, {.row_begin = 0,
                      .row_end = args.m,
                      .panel_begin = static_cast<int32_t>(panel),
                      .panel_end = static_cast<int32_t>(stop),
                      .next_panel = stop < end ? static_cast<int32_t>(stop) : -1});
    }
  });
}

// The output cut into row_tiles x panel_tiles pieces of nearly equal size.
struct Grid {
  int32_t m;
  int32_t panels;
  int32_t row_tiles;
  int32_t panel_tiles;

  int64_t num_tiles() const { return int64_t{row_tiles} * panel_tiles; }
  // Cut at multiples of kFewPanels, because odd leftovers of a tile run slower.
  int32_t PanelBegin(int64_t tile) const {
    const int64_t units = CeilDiv(panels, kFewPanels);
    return static_cast<int32_t>(
        std::min<int64_t>(panels, units * (tile / row_tiles) / panel_tiles * kFewPanels));
  }
  // Rows vary fastest, so that workers meet in the same weights.
  MatmulTile At(int64_t tile, int64_t next) const {
    const int64_t row = tile % row_tiles;
    return {.row_begin = static_cast<int32_t>(m * row / row_tiles),
            .row_end = static_cast<int32_t>(m * (row + 1) / row_tiles),
            .panel_begin = PanelBegin(tile),
            .panel_end = PanelBegin(tile + row_tiles),
            .next_panel = next < num_tiles() ? PanelBegin(next) : -1};
  }
};

// Tiles as large as scratch allows, then smaller until every worker has a few of them.
Grid CutIntoTiles(const MatmulIsa& isa, int32_t m, int32_t panels, int32_t num_threads) {
  constexpr int64_t kTilesPerThread = 4;
  // Rounded down as Grid cuts, so that a tile never exceeds scratch.
  const int32_t fit = kTileOutputs / kPanelRows / std::min(m, isa.tile_rows);
  int32_t tile_panels = std::min(fit / kFewPanels * kFewPanels, kMostPanels);
  int32_t tile_rows = isa.tile_rows;
  const auto cut = [&] {
    return Grid{m, panels, static_cast<int32_t>(CeilDiv(m, tile_rows)),
                static_cast<int32_t>(CeilDiv(panels, tile_panels))};
  };
  if (num_threads == 1) return cut();
  while (cut().num_tiles() < kTilesPerThread * num_threads) {
    if (tile_panels > kFewPanels) {
      tile_panels /= 2;
    } else if (tile_rows > isa.block_rows) {
      tile_rows = std::max(isa.block_rows, tile_rows / 2);
    } else {
      break;
    }
  }
  return cut();
}

void ComputeTiles(const MatmulIsa& isa, const MatmulArgs& args, Stream stream) {
  const auto panels = static_cast<int32_t>(CeilDiv(args.w.n, kPanelRows));
  const int32_t num_threads = NumThreads(stream);
  const Grid grid = CutIntoTiles(isa, args.m, panels, num_threads);
  ForItems(stream, grid.num_tiles(),
           [&](int64_t tile) { isa.tile(args, grid.At(tile, tile + num_threads)); });
}

void Matmul(const MatmulIsa& isa, const MatmulArgs& args, Stream stream) {
  WEIR_DCHECK(args.x_stride >= args.w.k && args.out_stride >= args.w.n);
  if (args.m == 0 || args.w.n == 0) return;
  if (args.m <= isa.block_rows) {
    StreamWeights(isa, args, stream);
  } else {
    ComputeTiles(isa, args, stream);
  }
}

}  // namespace

void MatmulAvx2(const MatmulArgs& args, Stream stream) { Matmul(kMatmulAvx2, args, stream); }
void MatmulAvx512(const MatmulArgs& args, Stream stream) { Matmul(kMatmulAvx512, args, stream); }

}  // namespace weir::cpu
