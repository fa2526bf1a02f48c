// SPDX-License-Identifier: Apache-2.0
//
// Packing runs once per weight, over gigabytes. It goes through blocks of 16 rows by 16 pairs of k:
// first the source rows as bf16 into a small square, then the square transposed into the panel.
#include <bit>
#include <cstring>
#include <string>

#include "base/check.h"
#include "kernels/matmul.h"

namespace weir {
namespace {

constexpr int kBlockPairs = 16;
constexpr int kBlockCols = 2 * kBlockPairs;

// The same functions as in tensor/dtype.h, without branches so that loops over them vectorise.
Bf16 RoundToBf16(uint32_t bits) {
  const bool is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  return {static_cast<uint16_t>(is_nan ? (bits >> 16) | 0x40 : rounded)};
}

Bf16 HalfToBf16(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  // Shifted into the place of a float's exponent and fraction, a half is too small by 2^112, also
  // where it is subnormal.
  const float value = std::bit_cast<float>(magnitude << 13) * 0x1p112f;
  const uint32_t special = (magnitude << 13) | 0x7F800000;  // infinity or NaN
  return RoundToBf16(sign | (magnitude >= 0x7C00 ? special : std::bit_cast<uint32_t>(value)));
}

// Reads `count` <= kBlockCols elements; a file promises no alignment.
void ReadBF16(const char* from, int count, Bf16* to) {
  std::memcpy(to, from, count * sizeof(Bf16));
}

void ReadF16(const char* from, int count, Bf16* to) {
  uint16_t raw[kBlockCols] = {};
  std::memcpy(raw, from, count * sizeof(uint16_t));
  for (int i = 0; i < kBlockCols; ++i) to[i] = HalfToBf16(raw[i]);
}

void ReadF32(const char* from, int count, Bf16* to) {
  uint32_t raw[kBlockCols] = {};
  std::memcpy(raw, from, count * sizeof(uint32_t));
  for (int i = 0; i < kBlockCols; ++i) to[i] = RoundToBf16(raw[i]);
}

using ReadFn = void (*)(const char* from, int count, Bf16* to);

ReadFn ReaderOf(DType dtype) {
  switch (dtype) {
    case DType::kBF16:
      return ReadBF16;
    case DType::kF16:
      return ReadF16;
    case DType::kF32:
      return ReadF32;
    default:
      break;
  }
  CheckFailed(__FILE__, __LINE__,
              std::string("weights are F32, F16 or BF16, not ") + DTypeName(dtype));
}

using Square = Bf16[kPanelRows][kBlockCols];

void Transpose(const Square& square, int row_begin, int row_end, int pairs, Bf16* to) {
  for (int pair = 0; pair < pairs; ++pair) {
    for (int row = row_begin; row < row_end; ++row) {
      std::memcpy(to + (pair * kPanelRows + row) * 2, &square[row][2 * pair], 2 * sizeof(Bf16));
    }
  }
}

// Rows [row_begin, row_end) of one panel. `source` is where row_begin starts.
void PackPanel(const char* source, int64_t row_bytes, ReadFn read, int64_t element_bytes, int32_t k,
               int row_begin, int row_end, Bf16* panel) {
  alignas(64) Square square;
  for (int32_t col = 0; col < k; col += kBlockCols) {
    const int count = k - col < kBlockCols ? k - col : kBlockCols;
    for (int row = row_begin; row < row_end; ++row) {
      read(source + (row - row_begin) * row_bytes + col * element_bytes, count, square[row]);
      if (count % 2 != 0) square[row][count] = {0};
    }
    Bf16* to = panel + int64_t{col} * kPanelRows;
    if (row_end - row_begin == kPanelRows && count == kBlockCols) {
      Transpose(square, 0, kPanelRows, kBlockPairs, to);  // with constants it unrolls
    } else {
      Transpose(square, row_begin, row_end, (count + 1) / 2, to);
    }
  }
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
  const ReadFn read = ReaderOf(args.dtype);
  const int64_t element_bytes = DTypeBytes(args.dtype);
  const int64_t row_bytes = args.k * element_bytes;
  const char* source = static_cast<const char*>(args.source);
  for (int32_t row = args.row_begin; row < args.row_end;) {
    const int32_t to = args.first_row + row;
    const int begin = to % kPanelRows;
    const int32_t left = args.row_end - row;
    const int end = left < kPanelRows - begin ? begin + left : kPanelRows;
    PackPanel(source + row * row_bytes, row_bytes, read, element_bytes, args.k, begin, end,
              args.packed + PackedIndex(to - begin, 0, args.k));
    row += end - begin;
  }
}

}  // namespace weir
