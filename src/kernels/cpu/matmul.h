// SPDX-License-Identifier: Apache-2.0
//
// The matrix products of the CPU tables. Without a pool in the stream they run on the caller alone.
#ifndef WEIR_KERNELS_CPU_MATMUL_H_
#define WEIR_KERNELS_CPU_MATMUL_H_

#include "kernels/matmul.h"
#include "tensor/stream.h"

namespace weir::cpu {

void MatmulAvx2(const MatmulArgs& args, Stream stream);
void MatmulAvx512(const MatmulArgs& args, Stream stream);

}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_MATMUL_H_
