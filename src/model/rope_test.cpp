// SPDX-License-Identifier: Apache-2.0
#include "model/rope.h"

#include <cmath>
#include <gtest/gtest.h>

namespace weir {
namespace {

ModelConfig Config(int32_t rope_dim, double theta) {
  ModelConfig config = {};
  config.rope_dim = rope_dim;
  config.rope_theta = theta;
  return config;
}

TEST(Rope, PlainFrequenciesFallGeometrically) {
  const auto f = MakeRopeFrequencies(Config(4, 10000));
  EXPECT_DOUBLE_EQ(f.inverse[0], 1.0);
  EXPECT_DOUBLE_EQ(f.inverse[1], 0.01);
  EXPECT_DOUBLE_EQ(f.attention_factor, 1.0);
}

TEST(Rope, LinearScalingDividesAll) {
  ModelConfig config = Config(4, 10000);
  config.rope_scaling.kind = RopeScaling::Kind::kLinear;
  config.rope_scaling.factor = 4;
  const auto f = MakeRopeFrequencies(config);
  EXPECT_DOUBLE_EQ(f.inverse[0], 0.25);
  EXPECT_DOUBLE_EQ(f.inverse[1], 0.0025);
}

// Llama 3.1: short waves stay, long ones are divided, those between are blended.
TEST(Rope, Llama3KeepsShortWavesAndDividesLongOnes) {
  ModelConfig config = Config(128, 500000);
  config.rope_scaling = {.kind = RopeScaling::Kind::kLlama3,
                         .factor = 8,
                         .low_freq_factor = 1,
                         .high_freq_factor = 4,
                         .original_max_position = 8192};
  const auto plain = MakeRopeFrequencies(Config(128, 500000)).inverse;
  const auto scaled = MakeRopeFrequencies(config).inverse;
  int blended = 0;
  for (size_t i = 0; i < plain.size(); ++i) {
    const double wavelength = 2 * M_PI / plain[i];
    if (wavelength < 2048) {
      EXPECT_DOUBLE_EQ(scaled[i], plain[i]);
    } else if (wavelength > 8192) {
      EXPECT_DOUBLE_EQ(scaled[i], plain[i] / 8);
    } else {
      EXPECT_LT(scaled[i], plain[i]);
      EXPECT_GT(scaled[i], plain[i] / 8);
      ++blended;
    }
  }
  EXPECT_GT(blended, 0);
}

// Qwen3's recommended YaRN: factor 4 over 32768. The attention factor is 0.1 ln 4 + 1.
TEST(Rope, YarnInterpolatesLongWavesOnly) {
  ModelConfig config = Config(128, 1e6);
  config.rope_scaling = {
      .kind = RopeScaling::Kind::kYarn, .factor = 4, .original_max_position = 32768};
  const auto plain = MakeRopeFrequencies(Config(128, 1e6)).inverse;
  const auto yarn = MakeRopeFrequencies(config);
  EXPECT_NEAR(yarn.attention_factor, 0.1 * std::log(4.0) + 1.0, 1e-12);
  EXPECT_DOUBLE_EQ(yarn.inverse.front(), plain.front());
  EXPECT_DOUBLE_EQ(yarn.inverse.back(), plain.back() / 4);
  for (size_t i = 1; i < plain.size(); ++i) EXPECT_LT(yarn.inverse[i], yarn.inverse[i - 1]);
}

TEST(Rope, YarnTakesAGivenAttentionFactor) {
  ModelConfig config = Config(64, 1e4);
  config.rope_scaling = {.kind = RopeScaling::Kind::kYarn,
                         .factor = 2,
                         .original_max_position = 2048,
                         .attention_factor = 1.5};
  EXPECT_DOUBLE_EQ(MakeRopeFrequencies(config).attention_factor, 1.5);
}

TEST(Rope, TableHoldsCosinesThenSines) {
  float table[3 * 4];
  FillCosSin(MakeRopeFrequencies(Config(4, 10000)), 3, table);
  EXPECT_FLOAT_EQ(table[0], 1.0f);  // position 0
  EXPECT_FLOAT_EQ(table[2], 0.0f);
  const float* row = table + 2 * 4;  // position 2
  EXPECT_FLOAT_EQ(row[0], std::cos(2.0f));
  EXPECT_FLOAT_EQ(row[1], std::cos(0.02f));
  EXPECT_FLOAT_EQ(row[2], std::sin(2.0f));
  EXPECT_FLOAT_EQ(row[3], std::sin(0.02f));
}

}  // namespace
}  // namespace weir
