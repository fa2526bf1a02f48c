// SPDX-License-Identifier: Apache-2.0
#include "sampling/random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace weir {
namespace {

using ::testing::ElementsAre;

// The known answers that the authors publish with their library, Random123.
TEST(Philox, KnownAnswers) {
  EXPECT_THAT(Philox({0, 0, 0, 0}, {0, 0}),
              ElementsAre(0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8));
  const uint32_t ones = 0xffffffff;
  EXPECT_THAT(Philox({ones, ones, ones, ones}, {ones, ones}),
              ElementsAre(0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd));
  EXPECT_THAT(Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
              ElementsAre(0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1));
}

TEST(UniformDraw, IsAFunctionOfSeedAndIndex) {
  EXPECT_EQ(UniformDraw(7, 3), UniformDraw(7, 3));
  std::set<double> values;
  for (uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, ~uint64_t{0}}) {
    for (uint64_t index : {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, ~uint64_t{0}}) {
      values.insert(UniformDraw(seed, index));
    }
  }
  EXPECT_EQ(values.size(), 16u) << "all 64 bits of both count";
}

// Neighbouring indices and neighbouring seeds are the ones in use: both must look independent.
// Chi-square over 64 bins, 63 degrees of freedom: 124 is exceeded once in about 10^5 seeds, and the
// seeds are fixed.
TEST(UniformDraw, FillsTheIntervalEvenly) {
  constexpr int kBins = 64;
  constexpr int kDraws = 64000;
  for (const bool by_seed : {false, true}) {
    std::vector<int> counts(kBins, 0);
    for (uint64_t i = 0; i < kDraws; ++i) {
      const double u = by_seed ? UniformDraw(i, 5) : UniformDraw(5, i);
      ASSERT_GE(u, 0.0);
      ASSERT_LT(u, 1.0);
      ++counts[static_cast<size_t>(u * kBins)];
    }
    double chi2 = 0.0;
    for (const int count : counts) {
      const double expected = static_cast<double>(kDraws) / kBins;
      chi2 += (count - expected) * (count - expected) / expected;
    }
    EXPECT_LT(chi2, 124.0) << by_seed;
  }
}

}  // namespace
}  // namespace weir
