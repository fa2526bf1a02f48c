// SPDX-License-Identifier: Apache-2.0
//
// Looks tokens up in a packed embedding table, which a tied model also uses as its last product.
//
// Shapes    tokens [rows] i32, each in [0, table.n)   table [vocab, dim] packed   out [rows, dim]
// f32
#ifndef WEIR_KERNELS_EMBED_H_
#define WEIR_KERNELS_EMBED_H_

#include <stdint.h>

#include "kernels/matmul.h"

namespace weir {

struct EmbedArgs {
  const int32_t* tokens;
  int32_t rows;
  PackedMatrix table;
  float* out;
};

}  // namespace weir

#endif  // WEIR_KERNELS_EMBED_H_
