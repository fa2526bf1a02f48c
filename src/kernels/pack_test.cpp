// SPDX-License-Identifier: Apache-2.0
#include <bit>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/matmul.h"

namespace weir {
namespace {

// What a packed element must be, by the definition in matmul.h.
Bf16 Expected(const char* source, DType dtype, int64_t index) {
  const int64_t bytes = DTypeBytes(dtype);
  uint32_t raw = 0;
  std::memcpy(&raw, source + index * bytes, bytes);
  switch (dtype) {
    case DType::kBF16:
      return {static_cast<uint16_t>(raw)};
    case DType::kF16:
      return ToBf16(HalfToFloat(static_cast<uint16_t>(raw)));
    default:
      return ToBf16(std::bit_cast<float>(raw));
  }
}

// Random bytes are every kind of number: subnormals, infinities and NaNs too.
std::vector<char> RandomBytes(int64_t count, uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<char> bytes(count);
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

std::vector<Bf16> Zeros(int32_t n, int32_t k) { return std::vector<Bf16>(PackedBytes(n, k) / 2); }

bool SameBits(const std::vector<Bf16>& a, const std::vector<Bf16>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(Bf16)) == 0;
}

constexpr DType kTypes[] = {DType::kF32, DType::kF16, DType::kBF16};

TEST(PackedIndex, FollowsTheFormula) {
  EXPECT_EQ(PackedIndex(0, 0, 6), 0);
  EXPECT_EQ(PackedIndex(0, 1, 6), 1);    // the pair's other half
  EXPECT_EQ(PackedIndex(1, 0, 6), 2);    // the next output of the same pair
  EXPECT_EQ(PackedIndex(0, 2, 6), 32);   // the next pair of k
  EXPECT_EQ(PackedIndex(16, 0, 6), 96);  // the next panel
  EXPECT_EQ(PackedIndex(16, 0, 5), 96);  // k is padded to even
  // Beyond 2^31 elements, as in the head of a large vocabulary.
  EXPECT_EQ(PackedIndex(262144, 0, 16384), int64_t{262144} * 16384);
  EXPECT_EQ(PackedBytes(17, 5), 32 * 6 * 2);
}

TEST(PackRows, PutsEveryElementInItsPlaceAndZerosInThePadding) {
  const int32_t sizes[][2] = {{1, 1},   {1, 2},   {15, 3},  {16, 31}, {16, 32},
                              {17, 33}, {33, 64}, {48, 65}, {5, 100}};
  for (const auto& [n, k] : sizes) {
    for (const DType dtype : kTypes) {
      for (const int shift : {0, 1, 2}) {  // sources without alignment
        SCOPED_TRACE(testing::Message()
                     << n << "x" << k << " " << DTypeName(dtype) << "+" << shift);
        const std::vector<char> bytes = RandomBytes(n * k * DTypeBytes(dtype) + shift, n + k);
        std::vector<Bf16> packed = Zeros(n, k);
        PackRows({bytes.data() + shift, dtype, k, 0, n, 0, packed.data()});

        std::vector<Bf16> expected = Zeros(n, k);
        for (int32_t row = 0; row < n; ++row) {
          for (int32_t col = 0; col < k; ++col) {
            expected[PackedIndex(row, col, k)] =
                Expected(bytes.data() + shift, dtype, int64_t{row} * k + col);
          }
        }
        EXPECT_TRUE(SameBits(packed, expected));
      }
    }
  }
}

TEST(PackRows, ConvertsEveryHalf) {
  std::vector<uint16_t> halves(65536);
  for (int i = 0; i < 65536; ++i) halves[i] = static_cast<uint16_t>(i);
  const int32_t k = 4096;
  std::vector<Bf16> packed = Zeros(16, k);
  PackRows({halves.data(), DType::kF16, k, 0, 16, 0, packed.data()});
  for (int i = 0; i < 65536; ++i) {
    ASSERT_EQ(packed[PackedIndex(i / k, i % k, k)].bits, ToBf16(HalfToFloat(halves[i])).bits) << i;
  }
}

TEST(PackRows, RoundsFloatsToNearestEven) {
  const float inf = std::numeric_limits<float>::infinity();
  const std::vector<float> source = {1.0f,
                                     1.00390625f,
                                     1.01171875f,
                                     0x1.00fffep0f,
                                     -1.00390625f,
                                     inf,
                                     -inf,
                                     0x1.fffffep127f,
                                     0x1p-149f,
                                     -0.0f,
                                     std::numeric_limits<float>::quiet_NaN(),
                                     0x1.01p0f};
  const auto k = static_cast<int32_t>(source.size());
  std::vector<Bf16> packed = Zeros(1, k);
  PackRows({source.data(), DType::kF32, k, 0, 1, 0, packed.data()});
  const auto at = [&](int col) { return packed[PackedIndex(0, col, k)].bits; };
  EXPECT_EQ(at(0), 0x3F80);
  EXPECT_EQ(at(1), 0x3F80);  // halfway, down to even
  EXPECT_EQ(at(2), 0x3F82);  // halfway, up to even
  EXPECT_EQ(at(3), 0x3F80);
  EXPECT_EQ(at(4), 0xBF80);
  EXPECT_EQ(at(5), 0x7F80);
  EXPECT_EQ(at(6), 0xFF80);
  EXPECT_EQ(at(7), 0x7F80);  // the largest float rounds to infinity
  EXPECT_EQ(at(8), 0x0000);
  EXPECT_EQ(at(9), 0x8000);
  EXPECT_TRUE(at(10) > 0x7F80 && at(10) < 0x8000);  // NaN stays NaN
  EXPECT_EQ(at(11), 0x3F80);
}

TEST(PackRows, FillsOneMatrixFromSeveralSources) {
  // q, k and v one below another; 20 and 7 put the edges inside panels.
  const int32_t k = 37;
  const int32_t rows[] = {20, 7, 13};
  const DType types[] = {DType::kBF16, DType::kF32, DType::kF16};
  std::vector<Bf16> packed = Zeros(40, k);
  std::vector<Bf16> expected = Zeros(40, k);
  int32_t first = 0;
  for (int i = 0; i < 3; ++i) {
    const std::vector<char> bytes = RandomBytes(rows[i] * k * DTypeBytes(types[i]), i);
    PackRows({bytes.data(), types[i], k, 0, rows[i], first, packed.data()});
    for (int32_t row = 0; row < rows[i]; ++row) {
      for (int32_t col = 0; col < k; ++col) {
        expected[PackedIndex(first + row, col, k)] =
            Expected(bytes.data(), types[i], int64_t{row} * k + col);
      }
    }
    first += rows[i];
  }
  EXPECT_TRUE(SameBits(packed, expected));
}

TEST(PackRows, LeavesOtherRowsOfAPanelAlone) {
  const int32_t k = 40;
  const std::vector<char> bytes = RandomBytes(10 * k * 2, 3);
  std::vector<Bf16> packed(PackedBytes(16, k) / 2, Bf16{0xABCD});
  PackRows({bytes.data(), DType::kBF16, k, 4, 7, 2, packed.data()});  // to rows 6, 7 and 8
  for (int32_t row = 0; row < 16; ++row) {
    for (int32_t col = 0; col < k; ++col) {
      const bool written = row >= 6 && row < 9;
      const uint16_t want =
          written ? Expected(bytes.data(), DType::kBF16, int64_t{row - 2} * k + col).bits : 0xABCD;
      ASSERT_EQ(packed[PackedIndex(row, col, k)].bits, want) << row << "," << col;
    }
  }
}

TEST(PackRows, OfNoRowsWritesNothing) {
  std::vector<Bf16> packed(PackedBytes(16, 4) / 2, Bf16{0xABCD});
  PackRows({nullptr, DType::kF32, 4, 5, 5, 0, packed.data()});
  for (const Bf16 value : packed) EXPECT_EQ(value.bits, 0xABCD);
}

TEST(PackRows, ByManyThreadsGivesTheSameBits) {
  const int32_t n = 211;
  const int32_t k = 75;
  const std::vector<char> bytes = RandomBytes(n * k * 4, 9);
  std::vector<Bf16> serial = Zeros(n, k);
  PackRows({bytes.data(), DType::kF32, k, 0, n, 0, serial.data()});
  ThreadPool pool({.num_threads = 4, .pin = false});
  std::vector<Bf16> parallel = Zeros(n, k);
  pool.ForRanges(n, kPanelRows, [&](int64_t begin, int64_t end, int32_t) {
    PackRows({bytes.data(), DType::kF32, k, static_cast<int32_t>(begin), static_cast<int32_t>(end),
              0, parallel.data()});
  });
  EXPECT_TRUE(SameBits(serial, parallel));
}

TEST(PackRowsDeathTest, RefusesOtherTypes) {
  Bf16 packed[32];
  EXPECT_DEATH(PackRows({packed, DType::kI8, 1, 0, 1, 0, packed}), "F32, F16 or BF16, not I8");
}

}  // namespace
}  // namespace weir
