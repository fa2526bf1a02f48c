// SPDX-License-Identifier: Apache-2.0
//
// What an instruction set offers to paged attention: functions that do one item or one merge on the
// calling thread. Plain data only, see the rules for per-instruction-set files.
#ifndef WEIR_KERNELS_CPU_ATTENTION_ISA_H_
#define WEIR_KERNELS_CPU_ATTENTION_ISA_H_

#include "kernels/paged_attention.h"

namespace weir::cpu {

struct AttentionIsa {
  // Writes the item's rows of `out`, or its parts. Takes 400 KiB of stack at most; allocates
  // nothing.
  void (*attend)(const PagedAttentionArgs& args, const AttnItem& item);
  // Folds all parts of the merge, which it uses up, and writes its rows of `out`.
  void (*merge)(const PagedAttentionArgs& args, const AttnMerge& merge);
};

extern const AttentionIsa kAttentionAvx2;
extern const AttentionIsa kAttentionAvx512;

}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_ATTENTION_ISA_H_
