// SPDX-License-Identifier: Apache-2.0
#include "sampling/penalties.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using ::testing::ElementsAre;

constexpr int32_t kVocab = 5;

// Logits {4, -4, 2, 1, 0} after the penalties.
std::vector<float> Apply(const Penalties& penalties) {
  std::vector<float> logits = {4.0f, -4.0f, 2.0f, 1.0f, 0.0f};
  penalties.Apply(logits);
  return logits;
}

TEST(Penalties, OffChangesNothing) {
  Penalties penalties({}, std::vector<TokenId>{0, 1}, kVocab);
  penalties.CountOutput(2);
  EXPECT_THAT(Apply(penalties), ElementsAre(4.0f, -4.0f, 2.0f, 1.0f, 0.0f));
}

// Both ways lower: a positive logit is divided, a negative one multiplied.
TEST(Penalties, RepetitionIsOverPromptAndOutput) {
  Penalties penalties({.repetition_penalty = 2.0f}, std::vector<TokenId>{0, 1, 1, 1, 4}, kVocab);
  EXPECT_THAT(Apply(penalties), ElementsAre(2.0f, -8.0f, 2.0f, 1.0f, 0.0f)) << "once per token";
  penalties.CountOutput(2);
  penalties.CountOutput(0);
  EXPECT_THAT(Apply(penalties), ElementsAre(2.0f, -8.0f, 1.0f, 1.0f, 0.0f));
}

TEST(Penalties, RepetitionBelowOneEncourages) {
  const Penalties penalties({.repetition_penalty = 0.5f}, std::vector<TokenId>{0, 1}, kVocab);
  EXPECT_THAT(Apply(penalties), ElementsAre(8.0f, -2.0f, 2.0f, 1.0f, 0.0f));
}

TEST(Penalties, PresenceIsOnceAndOverOutputOnly) {
  Penalties penalties({.presence_penalty = 1.5f}, std::vector<TokenId>{0, 1}, kVocab);
  EXPECT_THAT(Apply(penalties), ElementsAre(4.0f, -4.0f, 2.0f, 1.0f, 0.0f));
  penalties.CountOutput(2);
  penalties.CountOutput(2);
  EXPECT_THAT(Apply(penalties), ElementsAre(4.0f, -4.0f, 0.5f, 1.0f, 0.0f));
}

TEST(Penalties, FrequencyIsPerOccurrence) {
  Penalties penalties({.frequency_penalty = -0.5f}, std::vector<TokenId>{3, 3}, kVocab);
  penalties.CountOutput(3);
  penalties.CountOutput(3);
  penalties.CountOutput(3);
  EXPECT_THAT(Apply(penalties), ElementsAre(4.0f, -4.0f, 2.0f, 2.5f, 0.0f));
}

// Repetition first: 4 / 2 - 2 * 0.25 - 1 = 0.5 and -4 * 2 - 0.25 - 1 = -9.25.
TEST(Penalties, TogetherInThisOrder) {
  Penalties penalties(
      {.repetition_penalty = 2.0f, .presence_penalty = 1.0f, .frequency_penalty = 0.25f},
      std::vector<TokenId>{3}, kVocab);
  for (const TokenId token : {0, 1, 0}) penalties.CountOutput(token);
  EXPECT_THAT(Apply(penalties), ElementsAre(0.5f, -9.25f, 2.0f, 0.5f, 0.0f));
}

}  // namespace
}  // namespace weir
