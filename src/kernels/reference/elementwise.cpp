// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "kernels/reference/reference.h"

namespace weir::reference {

void Embed(const EmbedArgs& args, Stream) {
  for (int32_t r = 0; r < args.rows; ++r) {
    for (int32_t i = 0; i < args.table.k; ++i) {
      const int64_t from = PackedIndex(args.tokens[r], i, args.table.k);
      args.out[int64_t{r} * args.table.k + i] = ToFloat(args.table.data[from]);
    }
  }
}

void RmsNorm(const RmsNormArgs& args, Stream) {
  for (int32_t r = 0; r < args.rows; ++r) {
    const int64_t row = args.row_index != nullptr ? args.row_index[r] : r;
    const float* x = args.x + row * args.x_stride;
    double sum = 0;
    for (int32_t i = 0; i < args.dim; ++i) sum += double{x[i]} * x[i];
    const double scale = 1.0 / std::sqrt(sum / args.dim + args.eps);
    for (int32_t i = 0; i < args.dim; ++i) {
      args.out[int64_t{r} * args.dim + i] =
          ToBf16(static_cast<float>(x[i] * scale * args.weight[i]));
    }
  }
}

void SiluMul(const SiluMulArgs& args, Stream) {
  for (int32_t r = 0; r < args.rows; ++r) {
    const float* gate = args.gate_up + int64_t{r} * 2 * args.dim;
    const float* up = gate + args.dim;
    for (int32_t i = 0; i < args.dim; ++i) {
      const double silu = gate[i] / (1.0 + std::exp(-double{gate[i]}));
      args.out[int64_t{r} * args.dim + i] = ToBf16(static_cast<float>(silu * up[i]));
    }
  }
}

}  // namespace weir::reference
