// SPDX-License-Identifier: Apache-2.0
//
// Element types. Plain data only: device code and per-instruction-set files include this header, so
// nothing here may be an inline function that the linker could share between them.
#ifndef WEIR_TENSOR_DTYPE_H_
#define WEIR_TENSOR_DTYPE_H_

#include <stdint.h>

namespace weir {

enum class DType : uint8_t { kF32, kF16, kBF16, kI8, kI32 };

// The bits of a bfloat16: the upper half of a float.
struct Bf16 {
  uint16_t bits;
};

int64_t DTypeBytes(DType dtype);
const char* DTypeName(DType dtype);  // "F32", "BF16", ... as safetensors writes them

// Conversions for host code outside hot loops. Rounding is to nearest, ties to even; NaN stays NaN.
float ToFloat(Bf16 value);
Bf16 ToBf16(float value);
float HalfToFloat(uint16_t bits);

}  // namespace weir

#endif  // WEIR_TENSOR_DTYPE_H_
