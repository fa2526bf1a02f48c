// SPDX-License-Identifier: Apache-2.0
//
// What an instruction set offers to the elementwise ops: each function computes a part of an op on
// the calling thread. Plain data only, see the rules for per-instruction-set files.
#ifndef WEIR_KERNELS_CPU_ELEMENTWISE_ISA_H_
#define WEIR_KERNELS_CPU_ELEMENTWISE_ISA_H_

#include <stdint.h>

#include "kernels/embed.h"
#include "kernels/qkv_prepare.h"
#include "kernels/rms_norm.h"
#include "kernels/silu_mul.h"

namespace weir::cpu {

// Rows [row_begin, row_end) times heads [head_begin, head_end).
struct RowsAndHeads {
  int64_t row_begin;
  int64_t row_end;
  int32_t head_begin;
  int32_t head_end;
};

struct ElementwiseIsa {
  void (*embed)(const EmbedArgs& args, int64_t row_begin, int64_t row_end);
  void (*rms_norm)(const RmsNormArgs& args, int64_t row_begin, int64_t row_end);
  // Outputs [begin, end) of the rows laid end to end.
  void (*silu_mul)(const SiluMulArgs& args, int64_t begin, int64_t end);
  // Heads are query heads.
  void (*prepare_q)(const QkvPrepareArgs& args, const RowsAndHeads& part);
  // Heads are KV heads. Nobody else may write the part's pages of these heads meanwhile.
  void (*append_kv)(const QkvPrepareArgs& args, const RowsAndHeads& part);
};

extern const ElementwiseIsa kElementwiseAvx2;
extern const ElementwiseIsa kElementwiseAvx512;

}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_ELEMENTWISE_ISA_H_
