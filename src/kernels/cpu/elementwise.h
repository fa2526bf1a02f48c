// SPDX-License-Identifier: Apache-2.0
//
// Launches the elementwise ops with the functions of one instruction set. Bits do not depend on the
// number of workers; without a pool in the stream an op runs on the calling thread.
#ifndef WEIR_KERNELS_CPU_ELEMENTWISE_H_
#define WEIR_KERNELS_CPU_ELEMENTWISE_H_

#include "kernels/cpu/elementwise_isa.h"
#include "tensor/stream.h"

namespace weir::cpu {

template <const ElementwiseIsa& kIsa>
struct Elementwise {
  static void Embed(const EmbedArgs& args, Stream stream);
  static void RmsNorm(const RmsNormArgs& args, Stream stream);
  static void SiluMul(const SiluMulArgs& args, Stream stream);
  static void QkvPrepare(const QkvPrepareArgs& args, Stream stream);
};

extern template struct Elementwise<kElementwiseAvx2>;
extern template struct Elementwise<kElementwiseAvx512>;

}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_ELEMENTWISE_H_
