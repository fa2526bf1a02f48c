// SPDX-License-Identifier: Apache-2.0
#include "sampling/sampler.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <numeric>

namespace weir {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

// The next `count` tokens when the model answers with the same logits each time.
std::vector<TokenId> Draw(SequenceSampler& sampler, const std::vector<float>& logits, int count,
                          const std::vector<TokenId>& forbidden = {}) {
  SamplerScratch scratch(static_cast<int32_t>(logits.size()));
  std::vector<TokenId> tokens;
  for (int i = 0; i < count; ++i) {
    std::vector<float> row = logits;
    const auto next = sampler.Next(row, forbidden, scratch);
    EXPECT_TRUE(next.has_value());
    tokens.push_back(next ? next->token : -1);
  }
  return tokens;
}

std::vector<TokenId> Draw(const SamplingParams& params, const std::vector<float>& logits, int count,
                          const std::vector<TokenId>& forbidden = {}) {
  SequenceSampler sampler(params, /*seed=*/1, {}, static_cast<int32_t>(logits.size()));
  return Draw(sampler, logits, count, forbidden);
}

TEST(Greedy, TakesTheLargestAndTheLowestIdOfEqualOnes) {
  EXPECT_THAT(Draw({.temperature = 0.0f}, {1.0f, 5.0f, 2.0f, 5.0f}, 3), Each(1));
  EXPECT_THAT(Draw({.temperature = 9e-6f}, {1.0f, 1.0001f, 1.0f}, 3), Each(1));
}

TEST(Greedy, FiltersDoNotMatter) {
  const SamplingParams params = {.temperature = 0.0f, .top_k = 2, .top_p = 0.1f, .min_p = 1.0f};
  EXPECT_THAT(Draw(params, {1.0f, 3.0f, 3.0f}, 3), Each(1));
}

TEST(Next, SettingsThatLeaveOneTokenAreGreedy) {
  const std::vector<float> logits = {1.0f, 2.0f, 2.0f, -1.0f};
  EXPECT_THAT(Draw({.top_k = 1}, logits, 50), Each(1));
  EXPECT_THAT(Draw({.top_p = 1e-6f}, logits, 50), Each(1));
  EXPECT_THAT(Draw({.temperature = 1e-5f}, {1.0f, 2.0f, 1.99f}, 50), Each(1));
  // min_p 1 keeps all that are as probable as the best.
  EXPECT_THAT(Draw({.min_p = 1.0f}, logits, 50), Each(::testing::AnyOf(1, 2)));
}

TEST(Next, NanIsNeverChosen) {
  const std::vector<float> logits = {kNan, 1.0f, -kNan, 0.5f, kNan};
  for (const SamplingParams& params :
       {SamplingParams{.temperature = 0.0f}, SamplingParams{}, SamplingParams{.top_k = 4},
        SamplingParams{.top_p = 0.999f}, SamplingParams{.min_p = 1e-6f}}) {
    EXPECT_THAT(Draw(params, logits, 200), Each(::testing::AnyOf(1, 3)));
  }
}

TEST(Next, InfinityIsCertain) {
  const std::vector<float> logits = {3e38f, kInf, 0.0f, kInf, kNan, -kInf};
  EXPECT_THAT(Draw({.temperature = 0.0f}, logits, 3), Each(1));
  for (const SamplingParams& params : {SamplingParams{}, SamplingParams{.temperature = 0.3f},
                                       SamplingParams{.top_k = 2}, SamplingParams{.top_p = 0.9f}}) {
    const auto tokens = Draw(params, logits, 200);
    EXPECT_THAT(tokens, Each(::testing::AnyOf(1, 3)));
    EXPECT_THAT(tokens, ::testing::Contains(1));
    EXPECT_THAT(tokens, ::testing::Contains(3));
  }
}

TEST(Next, ARowWithoutAnyChoiceIsAnError) {
  SequenceSampler sampler({}, 1, {}, 2);
  SamplerScratch scratch(1000);
  for (std::vector<float> row : {std::vector<float>{kNan, kNan}, std::vector<float>{-kInf, -kInf},
                                 std::vector<float>{kNan, -kInf}}) {
    const auto next = sampler.Next(row, {}, scratch);
    ASSERT_FALSE(next.has_value());
    EXPECT_THAT(next.error().message, HasSubstr("2 logits"));
  }
  std::vector<float> row = {1.0f, 1.0f};
  EXPECT_FALSE(sampler.Next(row, std::vector<TokenId>{0, 1}, scratch).has_value());
}

TEST(Next, AnErrorDrawsNothing) {
  const std::vector<float> logits(100, 0.0f);
  SequenceSampler with_errors({}, 5, {}, 100);
  SequenceSampler without({}, 5, {}, 100);
  SamplerScratch scratch(1000);
  std::vector<TokenId> tokens;
  for (int i = 0; i < 10; ++i) {
    std::vector<float> bad(100, kNan);
    EXPECT_FALSE(with_errors.Next(bad, {}, scratch).has_value());
    tokens.push_back(Draw(with_errors, logits, 1)[0]);
  }
  EXPECT_EQ(tokens, Draw(without, logits, 10));
}

TEST(Next, ForbiddenTokensAreNotChosen) {
  EXPECT_THAT(Draw({}, {9.0f, 0.0f, 9.0f}, 100, {0, 2}), Each(1));
  EXPECT_THAT(Draw({.temperature = 0.0f}, {9.0f, 0.0f, 8.0f}, 3, {0}), Each(2));
  EXPECT_THAT(Draw({.temperature = 0.0f}, {9.0f, 0.0f}, 3, {-1, 2, 1 << 30}), Each(0))
      << "ids outside of the vocabulary are skipped";
}

TEST(Next, BiasIsAdded) {
  const SamplingParams greedy = {.temperature = 0.0f, .logit_bias = {{2, 3.0f}, {0, -100.0f}}};
  EXPECT_THAT(Draw(greedy, {5.0f, 3.0f, 1.0f}, 3), Each(2));
  EXPECT_THAT(Draw({.logit_bias = {{1, 100.0f}}}, {0.0f, 0.0f, 0.0f}, 100), Each(1));
}

// Logits {3, 2.5, 2} less one per occurrence: 0 -> {2, 2.5, 2}, 1 -> {2, 1.5, 2}, 0 -> {1, 1.5,
// 2}...
TEST(Next, PenaltiesSeeWhatWasChosen) {
  const SamplingParams params = {.temperature = 0.0f, .frequency_penalty = 1.0f};
  EXPECT_THAT(Draw(params, {3.0f, 2.5f, 2.0f}, 5), ElementsAre(0, 1, 0, 2, 1));
}

TEST(Next, RepetitionPenaltySeesThePrompt) {
  const std::vector<TokenId> prompt = {0, 0};
  SequenceSampler sampler({.temperature = 0.0f, .repetition_penalty = 2.0f}, 1, prompt, 3);
  EXPECT_THAT(Draw(sampler, {3.0f, 2.0f, 1.0f}, 3), ElementsAre(1, 0, 0));
}

TEST(Next, BiasComesBeforePenalties) {
  // (1 + 3) / 2 = 2 stays below 2.25; the other order gives 1 / 2 + 3 and would choose token 0.
  const std::vector<TokenId> prompt = {0};
  SequenceSampler sampler(
      {.temperature = 0.0f, .repetition_penalty = 2.0f, .logit_bias = {{0, 3.0f}}}, 1, prompt, 2);
  EXPECT_THAT(Draw(sampler, {1.0f, 2.25f}, 1), ElementsAre(1));
}

TEST(Next, DependsOnSeedAndPlaceOnly) {
  const std::vector<float> logits(1000, 0.0f);
  SequenceSampler alone({}, 7, {}, 1000);
  const std::vector<TokenId> want = Draw(alone, logits, 100);
  // In a batch: other sequences with other settings use the same scratch in between.
  SequenceSampler in_batch({}, 7, {}, 1000);
  SequenceSampler neighbour({.top_k = 30, .top_p = 0.5f}, 8, {}, 1000);
  SamplerScratch scratch(1000);
  std::vector<TokenId> tokens;
  for (int i = 0; i < 100; ++i) {
    std::vector<float> row = logits;
    ASSERT_TRUE(neighbour.Next(row, {}, scratch).has_value());
    row = logits;
    tokens.push_back(in_batch.Next(row, {}, scratch)->token);
  }
  EXPECT_EQ(tokens, want);
  SequenceSampler other_seed({}, 8, {}, 1000);
  EXPECT_NE(Draw(other_seed, logits, 100), want);
}

// Scratch has all its memory from the start, also as a copy.
TEST(Next, ScratchDoesNotGrow) {
  std::vector<float> logits(5000);
  std::iota(logits.begin(), logits.end(), 0.0f);
  for (float& x : logits) x *= 1e-4f;
  const std::vector<SamplerScratch> by_worker(2, SamplerScratch(5000));
  SamplerScratch scratch = by_worker[1];
  const auto* candidates = scratch.candidates.data();
  const auto* weights = scratch.softmax.weights.data();
  const auto* sums = scratch.softmax.block_sums.data();
  for (const SamplingParams& params :
       {SamplingParams{.top_p = 0.999f}, SamplingParams{.top_k = 4999},
        SamplingParams{.min_p = 1e-6f}, SamplingParams{.num_logprobs = 20}}) {
    SequenceSampler sampler(params, 1, {}, 5000);
    std::vector<float> row = logits;
    ASSERT_TRUE(sampler.Next(row, {}, scratch).has_value());
  }
  EXPECT_EQ(scratch.candidates.data(), candidates);
  EXPECT_EQ(scratch.softmax.weights.data(), weights);
  EXPECT_EQ(scratch.softmax.block_sums.data(), sums);
}

// Logits {0, ln 2, ln 5} are probabilities 1/8, 2/8 and 5/8.
class Logprobs : public ::testing::Test {
 protected:
  OutputToken Next(const SamplingParams& params, const std::vector<TokenId>& forbidden = {}) {
    std::vector<float> row = {0.0f, std::log(2.0f), std::log(5.0f)};
    SamplerScratch scratch(1000);
    SequenceSampler sampler(params, 1, {}, 3);
    return *sampler.Next(row, forbidden, scratch);
  }
  // A few steps of f32 at logarithms around 2.
  static constexpr float kTolerance = 1e-6f;
};

TEST_F(Logprobs, AreThoseOfTemperatureOne) {
  for (const float temperature : {0.0f, 0.01f}) {
    const OutputToken out = Next({.temperature = temperature, .num_logprobs = 2});
    EXPECT_EQ(out.token, 2);
    EXPECT_NEAR(out.logprob, std::log(5.0 / 8), kTolerance);
    ASSERT_EQ(out.top.size(), 2u);
    EXPECT_EQ(out.top[0].token, 2);
    EXPECT_EQ(out.top[0].logprob, out.logprob);
    EXPECT_EQ(out.top[1].token, 1);
    EXPECT_NEAR(out.top[1].logprob, std::log(2.0 / 8), kTolerance);
  }
}

TEST_F(Logprobs, AreAfterBiasAndForbidden) {
  const OutputToken out =
      Next({.temperature = 0.0f, .logit_bias = {{0, std::log(6.0f)}}, .num_logprobs = 20}, {2});
  EXPECT_EQ(out.token, 0);
  EXPECT_NEAR(out.logprob, std::log(6.0 / 8), kTolerance);
  EXPECT_EQ(out.top.size(), 2u) << "a forbidden token has no logarithm to show";
}

TEST_F(Logprobs, OnlyAsManyAsAskedFor) {
  EXPECT_TRUE(Next({.temperature = 0.0f, .num_logprobs = 0}).top.empty());
  EXPECT_NEAR(Next({.temperature = 0.0f, .num_logprobs = 0}).logprob, std::log(5.0 / 8),
              kTolerance);
  EXPECT_EQ(Next({.num_logprobs = -1}).logprob, 0.0f);
  EXPECT_EQ(Next({.num_logprobs = 20}).top.size(), 3u);
}

TEST_F(Logprobs, AreFiniteWhateverTheLogits) {
  SamplerScratch scratch(1000);
  for (std::vector<float> row :
       {std::vector<float>{kInf, kInf, kNan}, std::vector<float>{-3e38f, 3e38f, 0.0f},
        std::vector<float>{-kInf, 0.0f, -kInf}, std::vector<float>{-3e38f, -3e38f, -kInf}}) {
    SequenceSampler sampler({.num_logprobs = 1}, 1, {}, 3);
    const auto out = sampler.Next(row, {}, scratch);
    ASSERT_TRUE(out.has_value());
    EXPECT_TRUE(std::isfinite(out->logprob));
    EXPECT_LE(out->logprob, 0.0f);
    for (const TokenLogprob& top : out->top) EXPECT_TRUE(std::isfinite(top.logprob));
  }
}

TEST(SequenceSamplerDeathTest, WrongSizesAreABug) {
  SequenceSampler sampler({}, 1, {}, 3);
  SamplerScratch scratch(1000);
  std::vector<float> row(2);
  EXPECT_DEATH(static_cast<void>(sampler.Next(row, {}, scratch)), "vocab_size");
  const std::vector<TokenId> prompt = {3};
  EXPECT_DEATH(SequenceSampler({.repetition_penalty = 2.0f}, 1, prompt, 3), "vocab_size");
}

}  // namespace
}  // namespace weir
