// SPDX-License-Identifier: Apache-2.0
#include "tensor/dtype.h"

#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <string>

namespace weir {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

bool IsNan(Bf16 value) { return (value.bits & 0x7FFF) > 0x7F80; }

TEST(DType, NamesAndSizes) {
  EXPECT_EQ(DTypeBytes(DType::kF32), 4);
  EXPECT_EQ(DTypeBytes(DType::kF16), 2);
  EXPECT_EQ(DTypeBytes(DType::kBF16), 2);
  EXPECT_EQ(DTypeBytes(DType::kI8), 1);
  EXPECT_EQ(DTypeBytes(DType::kI32), 4);
  EXPECT_EQ(std::string(DTypeName(DType::kBF16)), "BF16");
}

TEST(Bf16, EveryPatternSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const Bf16 value = {static_cast<uint16_t>(bits)};
    const float wide = ToFloat(value);
    EXPECT_EQ(std::bit_cast<uint32_t>(wide), bits << 16);
    if (IsNan(value)) {
      ASSERT_TRUE(std::isnan(wide));
      ASSERT_TRUE(IsNan(ToBf16(wide)));
      ASSERT_EQ(ToBf16(wide).bits & 0x8000u, bits & 0x8000u) << "the sign stays";
    } else {
      ASSERT_EQ(ToBf16(wide).bits, bits);
    }
  }
}

// Between each pattern and the next larger magnitude: below the middle down, above it up, and in
// the middle to the even one. Past the largest finite value that is infinity.
TEST(Bf16, RoundsToNearestTiesToEven) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    if ((bits & 0x7FFF) >= 0x7F80) continue;  // infinity and NaN have no next one
    const auto rounded = [&](uint32_t low) {
      return ToBf16(std::bit_cast<float>(bits << 16 | low)).bits;
    };
    ASSERT_EQ(rounded(0x0001), bits);
    ASSERT_EQ(rounded(0x7FFF), bits);
    ASSERT_EQ(rounded(0x8000), bits % 2 == 0 ? bits : bits + 1);
    ASSERT_EQ(rounded(0x8001), bits + 1);
    ASSERT_EQ(rounded(0xFFFF), bits + 1);
  }
  EXPECT_EQ(ToFloat(ToBf16(std::numeric_limits<float>::max())), kInf);
  EXPECT_EQ(ToFloat(ToBf16(-kInf)), -kInf);
}

// A NaN whose set bits all lie in the lower half must not become infinity.
TEST(Bf16, NanOfLowBitsStaysNan) {
  for (const uint32_t bits : {0x7F800001u, 0xFF800001u, 0x7F80FFFFu, 0x7FFFFFFFu, 0xFFFFFFFFu}) {
    EXPECT_TRUE(IsNan(ToBf16(std::bit_cast<float>(bits)))) << bits;
  }
}

// The value of a half by its definition in IEEE 754; every one is exact in f32.
TEST(Half, EveryPatternHasItsValue) {
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) {
    const float value = HalfToFloat(static_cast<uint16_t>(bits));
    const int exponent = static_cast<int>(bits >> 10 & 0x1F);
    const double fraction = static_cast<double>(bits & 0x3FF) / 1024.0;
    ASSERT_EQ(std::signbit(value), bits >= 0x8000) << bits;
    if (exponent == 31 && fraction != 0.0) {
      ASSERT_TRUE(std::isnan(value)) << bits;
    } else if (exponent == 31) {
      ASSERT_EQ(std::abs(value), kInf) << bits;
    } else {
      const double magnitude =
          exponent == 0 ? std::ldexp(fraction, -14) : std::ldexp(1.0 + fraction, exponent - 15);
      ASSERT_EQ(static_cast<double>(std::abs(value)), magnitude) << bits;
    }
  }
}

}  // namespace
}  // namespace weir
