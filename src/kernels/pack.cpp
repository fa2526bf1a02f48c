// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "base/check.h"
#include "kernels/matmul.h"

namespace weir {
namespace {

Bf16 Load(const void* source, DType dtype, int64_t index) {
  switch (dtype) {
    case DType::kBF16: return static_cast<const Bf16*>(source)[index];
    case DType::kF32: {
      float value;  // a safetensors file promises no alignment
      std::memcpy(&value, static_cast<const char*>(source) + index * 4, 4);
      return ToBf16(value);
    }
    case DType::kF16: return ToBf16(HalfToFloat(static_cast<const uint16_t*>(source)[index]));
    default: break;
  }
  CheckFailed(__FILE__, __LINE__, "weights are F32, F16 or BF16");
}

}  // namespace

int64_t PaddedN(int32_t n) { return (int64_t{n} + kPanelRows - 1) / kPanelRows * kPanelRows; }
int64_t PaddedK(int32_t k) { return (int64_t{k} + 1) / 2 * 2; }
int64_t PackedBytes(int32_t n, int32_t k) { return PaddedN(n) * PaddedK(k) * 2; }

int64_t PackedIndex(int32_t row, int32_t col, int32_t k) {
  return ((row / kPanelRows * (PaddedK(k) / 2) + col / 2) * kPanelRows + row % kPanelRows) * 2 +
         col % 2;
}

void PackRows(const PackRowsArgs& args) {
  for (int32_t row = args.row_begin; row < args.row_end; ++row) {
    for (int32_t col = 0; col < args.k; ++col) {
      args.packed[PackedIndex(args.first_row + row, col, args.k)] =
          Load(args.source, args.dtype, int64_t{row} * args.k + col);
    }
  }
}

}  // namespace weir
