// SPDX-License-Identifier: Apache-2.0
#include "sampling/softmax.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace weir {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

// Lengths around the lanes and the blocks of the passes, and a real vocabulary.
constexpr size_t kLengths[] = {1, 2, 15, 16, 17, 1008, 1009, 1023, 1024, 1025, 2048, 151936};

std::vector<float> RandomRow(size_t n, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, 4.0f);
  std::vector<float> row(n);
  for (float& x : row) x = normal(random);
  return row;
}

TEST(MaxLogit, FindsItAtEveryPlace) {
  for (const size_t n : {size_t{1}, size_t{15}, size_t{16}, size_t{17}, size_t{33}}) {
    for (size_t place = 0; place < n; ++place) {
      std::vector<float> row(n, -3.0f);
      row[place] = -2.0f;
      EXPECT_EQ(MaxLogit(row), -2.0f) << n << " " << place;
    }
  }
}

TEST(MaxLogit, NanCountsAsNothing) {
  EXPECT_EQ(MaxLogit(std::vector<float>{kNan, 1.0f, kNan, 2.0f, kNan}), 2.0f);
  EXPECT_EQ(MaxLogit(std::vector<float>{-5.0f, kNan}), -5.0f);
  EXPECT_EQ(MaxLogit(std::vector<float>(100, kNan)), -kInf);
  EXPECT_EQ(MaxLogit(std::vector<float>(100, -kInf)), -kInf);
  EXPECT_EQ(MaxLogit({}), -kInf);
  EXPECT_EQ(MaxLogit(std::vector<float>{1.0f, kInf, kNan}), kInf);
}

TEST(SoftmaxWeights, AgreesWithTheLibraryInDouble) {
  SoftmaxWeights softmax;
  for (const size_t n : kLengths) {
    for (const float scale : {0.25f, 1.0f, 3.0f}) {
      const std::vector<float> row = RandomRow(n, static_cast<uint32_t>(n));
      const float max = MaxLogit(row);
      softmax.Compute(row, max, scale);
      ASSERT_EQ(softmax.weights.size(), n);
      double sum = 0.0;
      for (size_t i = 0; i < n; ++i) {
        // The argument is rounded to f32 as the code does; the bound is then the header's.
        const double want = std::exp(static_cast<double>((row[i] - max) * scale));
        if (want < std::exp(-85.0)) {
          EXPECT_EQ(softmax.weights[i], 0.0f);
        } else {
          EXPECT_NEAR(softmax.weights[i], want, 2e-7 * want);
        }
        sum += softmax.weights[i];
      }
      // Same addends, both in double: only the order of the sums differs.
      EXPECT_NEAR(softmax.sum, sum, 1e-12 * sum);
    }
  }
}

TEST(SoftmaxWeights, BlockSumsAreOfTheirBlocks) {
  SoftmaxWeights softmax;
  for (const size_t n : kLengths) {
    const std::vector<float> row = RandomRow(n, 3);
    softmax.Compute(row, MaxLogit(row), 0.5f);
    ASSERT_EQ(softmax.block_sums.size(), (n + kWeightBlock - 1) / kWeightBlock);
    for (size_t b = 0; b < softmax.block_sums.size(); ++b) {
      double sum = 0.0;
      for (size_t i = b * kWeightBlock; i < std::min(n, (b + 1) * kWeightBlock); ++i) {
        sum += softmax.weights[i];
      }
      EXPECT_NEAR(softmax.block_sums[b], sum, 1e-12 * sum) << n;
    }
  }
}

TEST(SoftmaxWeights, EveryArgumentFromZeroDown) {
  std::vector<float> row;
  for (float x = 0.0f; x > -84.9f; x -= 0.0003f) row.push_back(x);
  SoftmaxWeights softmax;
  softmax.Compute(row, 0.0f, 1.0f);
  for (size_t i = 0; i < row.size(); ++i) {
    const double want = std::exp(static_cast<double>(row[i]));
    ASSERT_NEAR(softmax.weights[i], want, 2e-7 * want) << row[i];
  }
}

TEST(SoftmaxWeights, WhatCannotBeDrawnWeighsNothing) {
  const float most = std::numeric_limits<float>::max();
  const std::vector<float> row = {1.0f, kNan, -kInf, -1e30f, -most, 0.0f, -kNan};
  SoftmaxWeights softmax;
  softmax.Compute(row, 1.0f, 1.0f);
  EXPECT_EQ(softmax.weights[0], 1.0f);
  for (const size_t i : {1u, 2u, 3u, 4u, 6u}) EXPECT_EQ(softmax.weights[i], 0.0f) << i;
  EXPECT_NEAR(softmax.sum, 1.0 + std::exp(-1.0), 1e-6);

  // The whole range of f32 in one row: the difference overflows to -inf.
  softmax.Compute(std::vector<float>{most, -most, most}, most, 1e5f);
  EXPECT_EQ(softmax.weights, (std::vector<float>{1.0f, 0.0f, 1.0f}));
}

}  // namespace
}  // namespace weir
