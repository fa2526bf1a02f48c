// SPDX-License-Identifier: Apache-2.0
#include "kernels/matmul.h"

#include "kernels/reference/reference.h"

namespace weir::reference {

void Matmul(const MatmulArgs& args, Stream) {
  for (int32_t i = 0; i < args.m; ++i) {
    const Bf16* x = args.x + i * args.x_stride;
    for (int32_t j = 0; j < args.w.n; ++j) {
      float sum = 0;
      for (int32_t c = 0; c < args.w.k; ++c) {
        sum += ToFloat(x[c]) * ToFloat(args.w.data[PackedIndex(j, c, args.w.k)]);
      }
      if (args.bias != nullptr) sum += args.bias[j];
      float& out = args.out[i * args.out_stride + j];
      out = args.accumulate ? out + sum : sum;
    }
  }
}

}  // namespace weir::reference
