// SPDX-License-Identifier: Apache-2.0
//
// SequenceSampler against the definition of its filters: a full sort and probabilities in double.
#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>
#include <random>

#include "sampling/random.h"
#include "sampling/sampler.h"

namespace weir {
namespace {

// The probabilities that `params` leave, in token order. `near_edge` is set when some token is so
// close to the edge of a filter that rounding in f32 may decide.
struct Naive {
  std::vector<double> p;
  bool near_edge = false;

  Naive(const std::vector<float>& logits, const SamplingParams& params);

 private:
  void Cut(std::vector<int>& order, const SamplingParams& params);
};

constexpr double kEdge = 2e-6;  // about ten times the relative error of a weight

Naive::Naive(const std::vector<float>& logits, const SamplingParams& params) : p(logits.size()) {
  const double max = *std::max_element(logits.begin(), logits.end());
  for (size_t i = 0; i < p.size(); ++i) p[i] = std::exp((logits[i] - max) / params.temperature);
  std::vector<int> order(p.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
    return logits[static_cast<size_t>(a)] > logits[static_cast<size_t>(b)];
  });
  Cut(order, params);
  std::vector<double> kept(p.size(), 0.0);
  double sum = 0.0;
  for (const int i : order) sum += p[static_cast<size_t>(i)];
  for (const int i : order) kept[static_cast<size_t>(i)] = p[static_cast<size_t>(i)] / sum;
  p = kept;
}

void Naive::Cut(std::vector<int>& order, const SamplingParams& params) {
  const auto weight = [&](int i) { return p[static_cast<size_t>(i)]; };
  const double min_p = params.min_p;
  for (const int i : order) {
    near_edge |= min_p > 0.0 && min_p < 1.0 && std::abs(weight(i) - min_p) < 10 * kEdge * min_p;
  }
  std::erase_if(order, [&](int i) { return weight(i) < min_p; });
  if (params.top_k > 0 && order.size() > static_cast<size_t>(params.top_k)) {
    order.resize(static_cast<size_t>(params.top_k));
  }
  double sum = 0.0;
  for (const int i : order) sum += weight(i);
  double before = 0.0;
  size_t keep = 0;
  for (const int i : order) {
    near_edge |= params.top_p < 1.0f && std::abs(before - params.top_p * sum) < kEdge * sum;
    if (params.top_p < 1.0f && keep > 0 && before >= params.top_p * sum) break;
    before += weight(i);
    ++keep;
  }
  order.resize(keep);
}

// The token that draw 0 of `seed` falls on, or -1 when it falls on an edge between two.
TokenId NaiveDraw(const Naive& naive, uint64_t seed) {
  const double u = UniformDraw(seed, 0);
  double sum = 0.0;
  for (size_t i = 0; i < naive.p.size(); ++i) {
    if (naive.p[i] == 0.0) continue;
    sum += naive.p[i];
    if (std::abs(sum - u) < kEdge) return -1;
    if (u < sum) return static_cast<TokenId>(i);
  }
  return -1;
}

SamplingParams RandomParams(std::mt19937& random) {
  const auto unit = [&] { return static_cast<float>(random() % 10000 + 1) / 10000.0f; };
  SamplingParams params;
  params.temperature = std::exp(4.0f * unit() - 3.0f);  // 0.05 to 2.7
  if (random() % 2 == 0) params.top_k = static_cast<int32_t>(1 + random() % 400);
  if (random() % 2 == 0) params.top_p = unit();
  if (random() % 3 == 0) params.min_p = unit() * unit();
  return params;
}

// Smooth rows, rows of few values (ties everywhere) and rows with one value.
std::vector<float> RandomLogits(std::mt19937& random, int row) {
  std::normal_distribution<float> normal(0.0f, 3.0f);
  std::vector<float> logits(1 + random() % (row % 50 == 0 ? 20000 : 700));
  for (float& x : logits) x = normal(random);
  if (row % 3 == 1) std::transform(logits.begin(), logits.end(), logits.begin(), std::roundf);
  if (row % 30 == 2) std::fill(logits.begin(), logits.end(), 1.5f);
  return logits;
}

TEST(Distribution, DrawsAgreeWithTheDefinition) {
  std::mt19937 random(1);
  SamplerScratch scratch(20000);
  constexpr int kRows = 6000;
  int compared = 0;
  for (int row = 0; row < kRows; ++row) {
    const SamplingParams params = RandomParams(random);
    const std::vector<float> logits = RandomLogits(random, row);
    const Naive naive(logits, params);
    const uint64_t seed = random();
    const TokenId want = NaiveDraw(naive, seed);
    if (naive.near_edge || want < 0) continue;
    ++compared;
    SequenceSampler sampler(params, seed, {}, static_cast<int32_t>(logits.size()));
    std::vector<float> copy = logits;
    ASSERT_EQ(sampler.Next(copy, {}, scratch)->token, want)
        << "row " << row << ", temperature " << params.temperature << ", top_k " << params.top_k
        << ", top_p " << params.top_p << ", min_p " << params.min_p;
  }
  EXPECT_GT(compared, kRows * 9 / 10);
}

// A real vocabulary, through every path: none, top-k, top-p, min-p.
TEST(Distribution, LargeVocabulary) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal(0.0f, 2.5f);
  std::vector<float> logits(151936);
  for (float& x : logits) x = normal(random);
  SamplerScratch scratch(151936);
  for (const SamplingParams& params :
       {SamplingParams{}, SamplingParams{.top_k = 50}, SamplingParams{.top_k = 100000},
        SamplingParams{.top_p = 0.5f}, SamplingParams{.top_p = 0.9999f},
        SamplingParams{.min_p = 0.01f}, SamplingParams{.top_k = 1000, .top_p = 0.9f}}) {
    const Naive naive(logits, params);
    // With a flat nucleus, rounding may move its edge by one token: the draw then differs only when
    // it falls on an edge, which NaiveDraw reports.
    int compared = 0;
    for (uint64_t seed = 0; seed < 20; ++seed) {
      const TokenId want = NaiveDraw(naive, seed);
      if (want < 0) continue;
      ++compared;
      SequenceSampler sampler(params, seed, {}, 151936);
      std::vector<float> copy = logits;
      EXPECT_EQ(sampler.Next(copy, {}, scratch)->token, want)
          << "top_k " << params.top_k << ", top_p " << params.top_p << ", min_p " << params.min_p;
    }
    EXPECT_GT(compared, 5);
  }
}

// The draws of one sequence follow the distribution. Chi-square: the bound is exceeded once in 10^5
// seeds (degrees of freedom 2 to 7), and the seed is fixed.
TEST(Distribution, ChiSquareOfTheDraws) {
  const std::vector<float> logits = {0.0f, 1.0f, -1.0f, 0.5f, 2.0f, -0.5f, 1.5f, 0.25f};
  constexpr double kBound[] = {0, 19.6, 23.1, 25.9, 28.5, 30.9, 33.2, 35.3};
  constexpr int kDraws = 40000;
  SamplerScratch scratch(8);
  for (const SamplingParams& params :
       {SamplingParams{}, SamplingParams{.temperature = 0.6f}, SamplingParams{.temperature = 3.0f},
        SamplingParams{.top_k = 3}, SamplingParams{.top_p = 0.8f}, SamplingParams{.min_p = 0.2f},
        SamplingParams{.temperature = 0.7f, .top_k = 6, .top_p = 0.95f, .min_p = 0.05f}}) {
    const Naive naive(logits, params);
    SequenceSampler sampler(params, /*seed=*/99, {}, 8);
    std::vector<int> counts(8, 0);
    for (int i = 0; i < kDraws; ++i) {
      std::vector<float> row = logits;
      ++counts[static_cast<size_t>(sampler.Next(row, {}, scratch)->token)];
    }
    double chi2 = 0.0;
    int num_kept = 0;
    for (size_t i = 0; i < 8; ++i) {
      const double expected = naive.p[i] * kDraws;
      if (expected == 0.0) {
        EXPECT_EQ(counts[i], 0) << "token " << i << " is filtered";
        continue;
      }
      ++num_kept;
      chi2 += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    ASSERT_GT(num_kept, 2);
    EXPECT_LT(chi2, kBound[num_kept - 1])
        << "temperature " << params.temperature << ", top_k " << params.top_k << ", top_p "
        << params.top_p << ", min_p " << params.min_p;
  }
}

// Draws of neighbouring places are independent: pairs of a fair coin come out evenly. Three degrees
// of freedom, bound as above.
TEST(Distribution, NeighbouringDrawsAreIndependent) {
  SequenceSampler sampler({}, /*seed=*/3, {}, 2);
  SamplerScratch scratch(2);
  constexpr int kPairs = 20000;
  int counts[4] = {};
  for (int i = 0; i < kPairs; ++i) {
    std::vector<float> first = {0.0f, 0.0f};
    std::vector<float> second = first;
    const int a = sampler.Next(first, {}, scratch)->token;
    const int b = sampler.Next(second, {}, scratch)->token;
    ++counts[2 * a + b];
  }
  double chi2 = 0.0;
  for (const int count : counts) chi2 += std::pow(count - kPairs / 4.0, 2) / (kPairs / 4.0);
  EXPECT_LT(chi2, 25.9);
}

}  // namespace
}  // namespace weir
