// SPDX-License-Identifier: Apache-2.0
#include "attention/piece_histogram.h"

#include <gtest/gtest.h>
#include <random>

namespace weir {
namespace {

FluidClass Reads(double bytes, int64_t count) {
  return {.bytes = bytes, .compute_us = 0, .count = count};
}

TEST(PieceHistogramTest, ListsLongestFirst) {
  PieceHistogram pieces;
  pieces.Add(1, Reads(100, 3));
  pieces.Add(50, Reads(5000, 1));
  pieces.Add(7, Reads(700, 2));
  const auto classes = pieces.Classes();
  ASSERT_EQ(classes.size(), 3u);
  EXPECT_EQ(classes[0].bytes, 5000);
  EXPECT_EQ(classes[1].bytes, 700);
  EXPECT_EQ(classes[1].count, 2);
  EXPECT_EQ(classes[2].count, 3);
  EXPECT_EQ(pieces.longest_us(), 50);
  EXPECT_EQ(pieces.total_bytes(), 300 + 5000 + 1400);
}

// 32 classes to the octave are 2.2 % apart.
TEST(PieceHistogramTest, NearPiecesAreOneClassOfTheirMean) {
  PieceHistogram pieces;
  pieces.Add(64.0, Reads(6400, 1));
  pieces.Add(64.9, Reads(6490, 2));
  pieces.Add(67.0, Reads(6700, 1));
  const auto classes = pieces.Classes();
  ASSERT_EQ(classes.size(), 2u);
  EXPECT_EQ(classes[0].bytes, 6700);
  EXPECT_EQ(classes[1].bytes, 6460);
  EXPECT_EQ(classes[1].count, 3);
}

TEST(PieceHistogramTest, ReadingAndComputingAreNeverOneClass) {
  PieceHistogram pieces;
  pieces.Add(10, Reads(1000, 1));
  pieces.Add(10, {.bytes = 500, .compute_us = 10, .count = 4});
  ASSERT_EQ(pieces.Classes().size(), 2u);
  EXPECT_EQ(pieces.total_compute_us(), 40);
  for (const FluidClass& c : pieces.Classes()) EXPECT_EQ(c.compute_us > 0, c.count == 4);
}

TEST(PieceHistogramTest, ClearForgetsAll) {
  PieceHistogram pieces;
  for (int round = 0; round < 3; ++round) {
    pieces.Clear();
    EXPECT_TRUE(pieces.Classes().empty());
    EXPECT_EQ(pieces.total_bytes(), 0);
    EXPECT_EQ(pieces.longest_us(), 0);
    pieces.Add(3, Reads(1, 1));
    EXPECT_EQ(pieces.Classes().size(), 1u);
  }
}

// Times that no device has are still in order, and lose nothing.
TEST(PieceHistogramTest, TinyAndHugeTimesCount) {
  PieceHistogram pieces;
  pieces.Add(1e-30, Reads(1, 1));
  pieces.Add(1e30, Reads(2, 1));
  ASSERT_EQ(pieces.Classes().size(), 2u);
  EXPECT_EQ(pieces.Classes()[0].bytes, 2);
}

TEST(PieceHistogramTest, KeepsSumsAndOrderOfRandomPieces) {
  std::mt19937 random(10);
  PieceHistogram pieces;
  for (int i = 0; i < 200; ++i) {
    pieces.Clear();
    int64_t count = 0;
    double bytes = 0;
    for (uint32_t n = 1 + random() % 300; n > 0; --n) {
      const auto size = static_cast<double>(1 + random() % 100000);
      const auto times = static_cast<int64_t>(1 + random() % 9);
      pieces.Add(size / 100, Reads(size, times));
      count += times;
      bytes += size * static_cast<double>(times);
    }
    double last = 1e9;
    for (const FluidClass& c : pieces.Classes()) {
      ASSERT_LT(c.bytes, last);
      last = c.bytes;
      count -= c.count;
      bytes -= c.bytes * static_cast<double>(c.count);
    }
    ASSERT_EQ(count, 0);
    ASSERT_NEAR(bytes, 0, 1e-3);
  }
}

}  // namespace
}  // namespace weir
