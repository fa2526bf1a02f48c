// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/values.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <vector>

#include "tensor/dtype.h"

namespace weir {
namespace {

std::vector<uint16_t> Values(uint64_t key, uint64_t first, size_t n) {
  std::vector<uint16_t> values(n);
  SynthValues(key, first, std::as_writable_bytes(std::span(values)));
  return values;
}

// The formula of the header, in other words: one lane at a time, and the library's rounding.
uint16_t Expected(uint64_t key, uint64_t i) {
  uint64_t z = key + (i + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  z ^= z >> 31;
  int64_t sum = -131070;
  for (int lane = 0; lane < 4; ++lane) sum += static_cast<int64_t>((z >> (16 * lane)) & 0xFFFF);
  return ToBf16(std::ldexp(static_cast<float>(sum), -21)).bits;
}

TEST(SynthValues, FollowTheDocumentedFormula) {
  for (const uint64_t key : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}, SynthKey(3, "w")}) {
    const std::vector<uint16_t> values = Values(key, 0, 1000);
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(values[i], Expected(key, i)) << i;
  }
}

TEST(SynthValues, AreTheSameForEveryRange) {
  const uint64_t key = SynthKey(1, "w");
  const std::vector<uint16_t> all = Values(key, 0, 200);
  for (size_t first = 0; first < all.size(); first += 7) {
    for (const size_t n : {size_t{0}, size_t{1}, size_t{5}, all.size() - first}) {
      if (first + n > all.size()) continue;
      const std::vector<uint16_t> part = Values(key, first, n);
      EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + static_cast<long>(first)));
    }
  }
  EXPECT_EQ(Values(key, uint64_t{1} << 40, 1)[0], Expected(key, uint64_t{1} << 40));
}

// Made once by an independent program from the formula; the bytes of a preset and a seed are a
// promise to those who compare runs on different machines.
TEST(SynthValues, NeverChange) {
  EXPECT_EQ(SynthKey(0, "model.embed_tokens.weight"), uint64_t{0x22b2aecced89bb86});
  EXPECT_EQ(Values(uint64_t{0x22b2aecced89bb86}, 0, 4),
            (std::vector<uint16_t>{0x3b95, 0x3c80, 0xbb56, 0xbc59}));
  EXPECT_EQ(SynthKey(~uint64_t{0}, "lm_head.weight"), uint64_t{0xe3b2842bb3fd1849});
  EXPECT_EQ(Values(uint64_t{0xe3b2842bb3fd1849}, 0, 4),
            (std::vector<uint16_t>{0x3c49, 0xbc9f, 0x3c30, 0x3c50}));
}

TEST(SynthValues, LookNormal) {
  constexpr size_t kNum = 1 << 20;
  double sum = 0;
  double squares = 0;
  float largest = 0;
  size_t within_one = 0;
  for (const uint16_t bits : Values(SynthKey(0, "w"), 0, kNum)) {
    const float value = ToFloat(Bf16{bits});
    sum += value;
    squares += double{value} * value;
    largest = std::max(largest, std::abs(value));
    within_one += std::abs(value) < 0.01804f ? 1 : 0;
  }
  // The mean of 2^20 draws strays by 2^-10 deviations; five times that is a bound that a right
  // generator meets for nearly all keys, and this key is fixed.
  EXPECT_NEAR(sum / kNum, 0.0, 5 * 0.01804 / 1024);
  EXPECT_NEAR(std::sqrt(squares / kNum), 0.01804, 0.01804 * 0.005);
  EXPECT_LE(largest, 0.0626f);  // 131070 * 2^-21, rounded to bf16
  // For a sum of four uniform variables 66.9 % lie within one deviation (68.3 % for a normal one).
  // Near it neighbours in bf16 differ by 2^-7 of it, and 0.5 % of the values lie that close.
  EXPECT_NEAR(static_cast<double>(within_one) / kNum, 0.669, 0.005);
}

TEST(SynthKey, DependsOnSeedAndName) {
  EXPECT_NE(SynthKey(0, "a"), SynthKey(1, "a"));
  EXPECT_NE(SynthKey(0, "a"), SynthKey(0, "b"));
  EXPECT_NE(SynthKey(0, "ab"), SynthKey(0, "ba"));
}

}  // namespace
}  // namespace weir
