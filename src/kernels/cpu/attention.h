// SPDX-License-Identifier: Apache-2.0
//
// Launches paged attention with the functions of one instruction set.
#ifndef WEIR_KERNELS_CPU_ATTENTION_H_
#define WEIR_KERNELS_CPU_ATTENTION_H_

#include "kernels/cpu/attention_isa.h"
#include "kernels/paged_attention.h"
#include "tensor/stream.h"

namespace weir::cpu {

// Workers take the items in order; whoever ends the last item of a merge does the merge. Bits do
// not depend on how many there are, nor on who comes last.
template <const AttentionIsa& kIsa>
void PagedAttention(const PagedAttentionArgs& args, Stream stream);

extern template void PagedAttention<kAttentionAvx2>(const PagedAttentionArgs&, Stream);
extern template void PagedAttention<kAttentionAvx512>(const PagedAttentionArgs&, Stream);

}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_ATTENTION_H_
