// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernel_table.h"
#include "kernels/reference/reference.h"

namespace weir {

const KernelTable kReferenceKernels = {
    .name = "reference",
    .needs = "nothing",
    .runs_on = [](const CpuFeatures&) { return true; },
    .embed = reference::Embed,
    .rms_norm = reference::RmsNorm,
    .matmul = reference::Matmul,
    .qkv_prepare = reference::QkvPrepare,
    .paged_attention = reference::PagedAttention,
    .silu_mul = reference::SiluMul,
};

}  // namespace weir
