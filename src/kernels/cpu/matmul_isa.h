// SPDX-License-Identifier: Apache-2.0
//
// What an instruction set offers to the matrix product: one function that computes a tile of the
// output on the calling thread. Plain data only, see the rules for per-instruction-set files.
#ifndef WEIR_KERNELS_CPU_MATMUL_ISA_H_
#define WEIR_KERNELS_CPU_MATMUL_ISA_H_

#include <stdint.h>

#include "kernels/matmul.h"

namespace weir::cpu {

// Rows [row_begin, row_end) times panels [panel_begin, panel_end) of the output.
struct MatmulTile {
  int32_t row_begin;
  int32_t row_end;
  int32_t panel_begin;
  int32_t panel_end;
  int32_t next_panel;  // where this thread probably goes on, for prefetching; -1: nowhere
};

// A tile's sums stand in scratch of this many floats until they are complete.
inline constexpr int32_t kTileOutputs = 48 * 32 * kPanelRows;

struct MatmulIsa {
  int32_t block_rows;  // most rows that stay in registers at once
  int32_t tile_rows;   // most rows of a tile, a multiple of block_rows
  // Requires 1 to tile_rows rows and at most kTileOutputs outputs, padding included.
  void (*tile)(const MatmulArgs& args, const MatmulTile& tile);
};

extern const MatmulIsa kMatmulAvx2;
extern const MatmulIsa kMatmulAvx512;

}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_MATMUL_ISA_H_
