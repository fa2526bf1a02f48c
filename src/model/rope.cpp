// SPDX-License-Identifier: Apache-2.0
#include "model/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"

namespace weir {
namespace {

constexpr double kTwoPi = 2 * std::numbers::pi;

std::vector<double> PlainInverse(const ModelConfig& config) {
  std::vector<double> inverse(config.rope_dim / 2);
  for (size_t i = 0; i < inverse.size(); ++i) {
    inverse[i] = std::pow(config.rope_theta, -2.0 * static_cast<double>(i) / config.rope_dim);
  }
  return inverse;
}

void ScaleLlama3(const RopeScaling& scaling, std::vector<double>& inverse) {
  const double longest_plain = scaling.original_max_position / scaling.high_freq_factor;
  const double shortest_scaled = scaling.original_max_position / scaling.low_freq_factor;
  for (double& f : inverse) {
    const double wavelength = kTwoPi / f;
    if (wavelength < longest_plain) continue;
    if (wavelength > shortest_scaled) {
      f /= scaling.factor;
      continue;
    }
    const double smooth = (scaling.original_max_position / wavelength - scaling.low_freq_factor) /
                          (scaling.high_freq_factor - scaling.low_freq_factor);
    f = (1 - smooth) * f / scaling.factor + smooth * f;
  }
}

// The dimension whose angle turns `rotations` times over the original context.
double YarnDimension(const ModelConfig& config, double rotations) {
  return config.rope_dim *
         std::log(config.rope_scaling.original_max_position / (rotations * kTwoPi)) /
         (2 * std::log(config.rope_theta));
}

void ScaleYarn(const ModelConfig& config, std::vector<double>& inverse) {
  const RopeScaling& scaling = config.rope_scaling;
  const double low = std::max(0.0, std::floor(YarnDimension(config, scaling.beta_fast)));
  double high =
      std::min<double>(config.rope_dim - 1, std::ceil(YarnDimension(config, scaling.beta_slow)));
  if (low == high) high += 0.001;  // no division by zero
  for (size_t i = 0; i < inverse.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    inverse[i] = inverse[i] / scaling.factor * ramp + inverse[i] * (1 - ramp);
  }
}

double YarnAttentionFactor(const RopeScaling& scaling) {
  if (scaling.attention_factor) return *scaling.attention_factor;
  const auto mscale = [&](double weight) {
    return scaling.factor <= 1 ? 1.0 : 0.1 * weight * std::log(scaling.factor) + 1.0;
  };
  const double all = scaling.mscale_all_dim.value_or(0);
  const double own = scaling.mscale.value_or(0);
  if (all != 0 && own != 0) return mscale(own) / mscale(all);
  return mscale(1.0);
}

}  // namespace

RopeFrequencies MakeRopeFrequencies(const ModelConfig& config) {
  RopeFrequencies frequencies{PlainInverse(config), 1.0};
  const RopeScaling& scaling = config.rope_scaling;
  switch (scaling.kind) {
    case RopeScaling::Kind::kNone:
      break;
    case RopeScaling::Kind::kLinear:
      for (double& f : frequencies.inverse) f /= scaling.factor;
      break;
    case RopeScaling::Kind::kLlama3:
      ScaleLlama3(scaling, frequencies.inverse);
      break;
    case RopeScaling::Kind::kYarn:
      ScaleYarn(config, frequencies.inverse);
      frequencies.attention_factor = YarnAttentionFactor(scaling);
      break;
    case RopeScaling::Kind::kDynamic:
      WEIR_CHECK(scaling.kind != RopeScaling::Kind::kDynamic);
  }
  return frequencies;
}

void FillCosSin(const RopeFrequencies& frequencies, int32_t num_positions, float* out) {
  const size_t half = frequencies.inverse.size();
  for (int32_t position = 0; position < num_positions; ++position) {
    float* row = out + static_cast<size_t>(position) * 2 * half;
    for (size_t i = 0; i < half; ++i) {
      const double angle = position * frequencies.inverse[i];
      row[i] = static_cast<float>(std::cos(angle) * frequencies.attention_factor);
      row[half + i] = static_cast<float>(std::sin(angle) * frequencies.attention_factor);
    }
  }
}

}  // namespace weir
