// SPDX-License-Identifier: Apache-2.0
//
// The definition of right: plain loops, one thread, written to be read. Every other table is tested
// against these.
#ifndef WEIR_KERNELS_REFERENCE_REFERENCE_H_
#define WEIR_KERNELS_REFERENCE_REFERENCE_H_

#include "kernels/embed.h"
#include "kernels/matmul.h"
#include "kernels/paged_attention.h"
#include "kernels/qkv_prepare.h"
#include "kernels/rms_norm.h"
#include "kernels/silu_mul.h"
#include "tensor/stream.h"

namespace weir::reference {

void Embed(const EmbedArgs& args, Stream stream);
void RmsNorm(const RmsNormArgs& args, Stream stream);
void Matmul(const MatmulArgs& args, Stream stream);
void QkvPrepare(const QkvPrepareArgs& args, Stream stream);
void PagedAttention(const PagedAttentionArgs& args, Stream stream);
void SiluMul(const SiluMulArgs& args, Stream stream);

}  // namespace weir::reference

#endif  // WEIR_KERNELS_REFERENCE_REFERENCE_H_
