// SPDX-License-Identifier: Apache-2.0
#include "sampling/candidates.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <random>

namespace weir {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

std::vector<TokenId> Tokens(const std::vector<Candidate>& candidates) {
  std::vector<TokenId> tokens;
  for (const Candidate& c : candidates) tokens.push_back(c.token);
  std::sort(tokens.begin(), tokens.end());
  return tokens;
}

std::vector<TokenId> Top(const std::vector<float>& logits, int64_t k, float floor = -kInf) {
  std::vector<Candidate> out;
  SelectTop(logits, k, floor, out);
  return Tokens(out);
}

std::vector<TokenId> WithinMass(double mass, const std::vector<float>& weights) {
  std::vector<Candidate> candidates;
  for (size_t i = 0; i < weights.size(); ++i) {
    candidates.push_back({weights[i], weights[i], static_cast<TokenId>(i)});
  }
  KeepMass(mass, candidates);
  return Tokens(candidates);
}

TEST(SelectTop, TakesTheLargest) {
  const std::vector<float> logits = {0.5f, 3.0f, -1.0f, 2.0f};
  EXPECT_THAT(Top(logits, 1), ElementsAre(1));
  EXPECT_THAT(Top(logits, 2), ElementsAre(1, 3));
  EXPECT_THAT(Top(logits, 4), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(Top(logits, 1000000), ElementsAre(0, 1, 2, 3));
}

TEST(SelectTop, TiesGoToTheLowerId) {
  EXPECT_THAT(Top({1.0f, 2.0f, 1.0f, 2.0f, 1.0f}, 3), ElementsAre(0, 1, 3));
  std::vector<float> equal(10000, 1.0f);
  EXPECT_THAT(Top(equal, 3), ElementsAre(0, 1, 2));
  equal[9999] = 2.0f;
  EXPECT_THAT(Top(equal, 3), ElementsAre(0, 1, 9999));
}

TEST(SelectTop, FloorIsIncluded) {
  EXPECT_THAT(Top({1.0f, 2.0f, 3.0f}, 3, 2.0f), ElementsAre(1, 2));
  EXPECT_THAT(Top({1.0f, 2.0f, 3.0f}, 1, 2.0f), ElementsAre(2));
  EXPECT_THAT(Top({1.0f}, 3, 2.0f), IsEmpty());
}

TEST(SelectTop, NeverNanOrMinusInf) {
  EXPECT_THAT(Top({kNan, 1.0f, -kInf, kNan, 0.0f}, 5), ElementsAre(1, 4));
  EXPECT_THAT(Top(std::vector<float>(500, kNan), 5), IsEmpty());
  EXPECT_THAT(Top({}, 5), IsEmpty());
}

// Thousands of rows, many ties, ascending and descending rows: the latter two are the worst and the
// best case of the collecting pass.
TEST(SelectTop, AgreesWithAFullSort) {
  std::mt19937 random(1);
  for (int row = 0; row < 3000; ++row) {
    const size_t n = 1 + random() % 2000;
    const int num_values = 1 + static_cast<int>(random() % (row % 2 == 0 ? 10 : 100000));
    std::vector<float> logits(n);
    for (float& x : logits) x = static_cast<float>(random() % static_cast<uint32_t>(num_values));
    if (row % 5 == 1) std::sort(logits.begin(), logits.end());
    if (row % 5 == 2) std::sort(logits.rbegin(), logits.rend());
    const auto k = static_cast<int64_t>(1 + random() % 300);
    std::vector<Candidate> all;
    for (size_t i = 0; i < n; ++i) all.push_back({logits[i], 0.0f, static_cast<TokenId>(i)});
    std::sort(all.begin(), all.end(), Before);
    all.resize(std::min(n, static_cast<size_t>(k)));
    ASSERT_EQ(Top(logits, k), Tokens(all)) << "row " << row;
  }
}

TEST(KeepMass, StopsOnceTheSumIsReached) {
  const std::vector<float> weights = {0.25f, 0.5f, 0.125f, 0.125f};
  EXPECT_THAT(WithinMass(0.01, weights), ElementsAre(1));
  EXPECT_THAT(WithinMass(0.5, weights), ElementsAre(1)) << "exactly reached";
  EXPECT_THAT(WithinMass(0.51, weights), ElementsAre(0, 1));
  EXPECT_THAT(WithinMass(0.75, weights), ElementsAre(0, 1));
  EXPECT_THAT(WithinMass(0.8, weights), ElementsAre(0, 1, 2)) << "the lower id of two equal ones";
  EXPECT_THAT(WithinMass(1.0, weights), ElementsAre(0, 1, 2, 3));
}

TEST(KeepMass, KeepsAtLeastOneAndAtMostAll) {
  EXPECT_THAT(WithinMass(0.0, {0.25f, 0.75f}), ElementsAre(1));
  EXPECT_THAT(WithinMass(5.0, {0.25f, 0.75f}), ElementsAre(0, 1));
  EXPECT_THAT(WithinMass(0.5, {}), IsEmpty());
}

// Weights are whole numbers, so every sum is exact and the sets must be equal.
TEST(KeepMass, AgreesWithAFullSort) {
  std::mt19937 random(2);
  for (int row = 0; row < 3000; ++row) {
    std::vector<float> weights(1 + random() % 1000);
    const uint32_t num_values = row % 2 == 0 ? 8 : 1 << 20;
    double sum = 0.0;
    for (float& w : weights) sum += w = static_cast<float>(random() % num_values);
    const double mass = std::floor(sum * (static_cast<double>(random() % 1001) / 1000.0));
    std::vector<Candidate> all;
    for (size_t i = 0; i < weights.size(); ++i) {
      all.push_back({weights[i], weights[i], static_cast<TokenId>(i)});
    }
    std::sort(all.begin(), all.end(), Before);
    size_t keep = 0;
    double before = 0.0;
    while (keep < all.size() && (keep == 0 || before < mass)) before += all[keep++].weight;
    all.resize(keep);
    ASSERT_EQ(WithinMass(mass, weights), Tokens(all)) << "row " << row;
  }
}

}  // namespace
}  // namespace weir
