// SPDX-License-Identifier: Apache-2.0
//
// The CPU tables by instruction set.
#include "kernels/cpu/attention.h"
#include "kernels/cpu/elementwise.h"
#include "kernels/cpu/matmul.h"
#include "kernels/kernel_table.h"

namespace weir {

const KernelTable kAvx2Kernels = {
    .name = "cpu/avx2",
    .needs = "AVX2, FMA and F16C",
    .runs_on = [](const CpuFeatures& f) { return f.avx2; },
    .embed = cpu::Elementwise<cpu::kElementwiseAvx2>::Embed,
    .rms_norm = cpu::Elementwise<cpu::kElementwiseAvx2>::RmsNorm,
    .matmul = cpu::MatmulAvx2,
    .qkv_prepare = cpu::Elementwise<cpu::kElementwiseAvx2>::QkvPrepare,
    .paged_attention = cpu::PagedAttention<cpu::kAttentionAvx2>,
    .silu_mul = cpu::Elementwise<cpu::kElementwiseAvx2>::SiluMul,
};

const KernelTable kAvx512Kernels = {
    .name = "cpu/avx512",
    .needs = "AVX-512 F, BW, DQ, VL, VNNI and BF16",
    .runs_on = [](const CpuFeatures& f) { return f.avx512 && f.avx512_bf16 && f.avx512_vnni; },
    .embed = cpu::Elementwise<cpu::kElementwiseAvx512>::Embed,
    .rms_norm = cpu::Elementwise<cpu::kElementwiseAvx512>::RmsNorm,
    .matmul = cpu::MatmulAvx512,
    .qkv_prepare = cpu::Elementwise<cpu::kElementwiseAvx512>::QkvPrepare,
    .paged_attention = cpu::PagedAttention<cpu::kAttentionAvx512>,
    .silu_mul = cpu::Elementwise<cpu::kElementwiseAvx512>::SiluMul,
};

}  // namespace weir
