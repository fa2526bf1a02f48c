// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "sampling/sampler.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int32_t kVocab = 100;
constexpr float kInf = std::numeric_limits<float>::infinity();
const float kNan = std::nanf("");

struct Case {
  const char* field;
  const char* wanted;  // part of the message
  SamplingParams params;
};

TEST(ValidateSampling, DefaultsAreValid) { EXPECT_TRUE(ValidateSampling({}, kVocab).has_value()); }

TEST(ValidateSampling, EdgesAreValid) {
  for (const SamplingParams& params : {
           SamplingParams{.temperature = 0.0f},
           SamplingParams{.temperature = 1e30f},
           SamplingParams{.top_k = 1},
           SamplingParams{.top_k = 1 << 30},  // more than there are: all
           SamplingParams{.top_p = 1e-9f},
           SamplingParams{.min_p = 1.0f},
           SamplingParams{.repetition_penalty = 1e-3f},
           SamplingParams{.presence_penalty = -2.0f, .frequency_penalty = 2.0f},
           SamplingParams{.logit_bias = {{0, -100.0f}, {kVocab - 1, 100.0f}}},
           SamplingParams{.max_tokens = 1, .min_tokens = 1},
           SamplingParams{.stop_token_ids = {0, kVocab - 1, 0}},
           SamplingParams{.stop = {std::string(kMaxStopBytes, 'x')}},
           SamplingParams{.stop = std::vector<std::string>(kMaxStopStrings, "x")},
           SamplingParams{.num_logprobs = kMaxLogprobs},
       }) {
    const Status status = ValidateSampling(params, kVocab);
    EXPECT_TRUE(status.has_value()) << (status ? "" : status.error().message);
  }
}

TEST(ValidateSampling, NamesFieldValueAndRange) {
  const auto too_many_biases = [] {
    SamplingParams params;
    for (size_t i = 0; i <= kMaxLogitBiases; ++i) params.logit_bias.push_back({0, 0.0f});
    return params;
  };
  const Case cases[] = {
      {"temperature: -0.5", "at least 0", {.temperature = -0.5f}},
      {"temperature: nan", "finite", {.temperature = kNan}},
      {"temperature: inf", "finite", {.temperature = kInf}},
      {"top_k: -1", "0, which means all", {.top_k = -1}},
      {"top_p: 0", "above 0", {.top_p = 0.0f}},
      {"top_p: 1.5", "at most 1", {.top_p = 1.5f}},
      {"top_p: nan", "", {.top_p = kNan}},
      {"min_p: -0.1", "0 to 1", {.min_p = -0.1f}},
      {"min_p: 1.1", "0 to 1", {.min_p = 1.1f}},
      {"min_p: nan", "", {.min_p = kNan}},
      {"repetition_penalty: 0", "above 0", {.repetition_penalty = 0.0f}},
      {"repetition_penalty: inf", "finite", {.repetition_penalty = kInf}},
      {"repetition_penalty: nan", "", {.repetition_penalty = kNan}},
      {"presence_penalty: 2.5", "-2 to 2", {.presence_penalty = 2.5f}},
      {"presence_penalty: nan", "", {.presence_penalty = kNan}},
      {"frequency_penalty: -inf", "-2 to 2", {.frequency_penalty = -kInf}},
      {"frequency_penalty: nan", "", {.frequency_penalty = kNan}},
      {"logit_bias: 100", "0 to 99", {.logit_bias = {{kVocab, 1.0f}}}},
      {"logit_bias: -1", "0 to 99", {.logit_bias = {{-1, 1.0f}}}},
      {"logit_bias: 101 for token 3", "-100 to 100", {.logit_bias = {{3, 101.0f}}}},
      {"logit_bias: nan for token 3", "", {.logit_bias = {{3, kNan}}}},
      {"logit_bias: token 3", "twice", {.logit_bias = {{3, 1.0f}, {3, 2.0f}}}},
      {"logit_bias: 1025 entries", "at most 1024", too_many_biases()},
      {"max_tokens: 0", "at least 1", {.max_tokens = 0}},
      {"min_tokens: -1", "0 to", {.min_tokens = -1}},
      {"min_tokens: 6", "max_tokens, 5", {.max_tokens = 5, .min_tokens = 6}},
      {"num_logprobs: -2", "to 20", {.num_logprobs = -2}},
      {"num_logprobs: 21", "to 20", {.num_logprobs = 21}},
      {"stop_token_ids: 100", "0 to 99", {.stop_token_ids = {kVocab}}},
      {"stop_token_ids: 1025 entries",
       "at most 1024",
       {.stop_token_ids = std::vector<TokenId>(kMaxStopTokens + 1, 1)}},
      {"stop: a string of 0 bytes", "1 to 4096", {.stop = {"a", ""}}},
      {"stop: a string of 4097 bytes", "1 to 4096", {.stop = {std::string(4097, 'x')}}},
      {"stop: 65 entries", "at most 64", {.stop = std::vector<std::string>(65, "x")}},
  };
  for (const Case& c : cases) {
    const Status status = ValidateSampling(c.params, kVocab);
    ASSERT_FALSE(status.has_value()) << c.field;
    EXPECT_EQ(status.error().code, Code::kInvalidRequest);
    EXPECT_THAT(status.error().message, StartsWith(c.field));
    EXPECT_THAT(status.error().message, HasSubstr(c.wanted));
  }
}

}  // namespace
}  // namespace weir
