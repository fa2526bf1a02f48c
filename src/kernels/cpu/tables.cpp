// SPDX-License-Identifier: Apache-2.0
//
// The CPU tables by instruction set.
#include "kernels/kernel_table.h"

#include "kernels/cpu/matmul.h"

namespace weir {

const KernelTable kAvx2Kernels = {
    .name = "cpu/avx2",
    .needs = "AVX2, FMA and F16C",
    .runs_on = [](const CpuFeatures& f) { return f.avx2; },
    .embed = nullptr,
    .rms_norm = nullptr,
    .matmul = cpu::MatmulAvx2,
    .qkv_prepare = nullptr,
    .paged_attention = nullptr,
    .silu_mul = nullptr,
};

const KernelTable kAvx512Kernels = {
    .name = "cpu/avx512",
    .needs = "AVX-512 F, BW, DQ, VL, VNNI and BF16",
    .runs_on = [](const CpuFeatures& f) { return f.avx512 && f.avx512_bf16 && f.avx512_vnni; },
    .embed = nullptr,
    .rms_norm = nullptr,
    .matmul = cpu::MatmulAvx512,
    .qkv_prepare = nullptr,
    .paged_attention = nullptr,
    .silu_mul = nullptr,
};

}  // namespace weir
