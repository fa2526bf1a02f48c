// SPDX-License-Identifier: Apache-2.0
#include "sampling/softmax.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

namespace weir {
namespace {

// Loops below run over arrays of this constant length: compilers vectorise them at -O2.
constexpr int kLanes = 16;
using Lanes = std::array<float, kLanes>;

constexpr float kNothing = -std::numeric_limits<float>::infinity();

// Elements [begin, begin + kLanes), with -inf beyond the end.
Lanes Load(std::span<const float> row, size_t begin) {
  Lanes lanes;
  const size_t left = row.size() - begin;
  if (left < kLanes) {
    lanes.fill(kNothing);
    std::copy_n(row.data() + begin, left, lanes.data());
  } else {
    std::copy_n(row.data() + begin, kLanes, lanes.data());
  }
  return lanes;
}

// exp(x) for x <= 0 by Cephes' expf: x = n ln 2 + r, a polynomial in r, 2^n through the exponent's
// bits. The library's expf is one call per element; this becomes vector code. NaN gives 0.
Lanes Exp(const Lanes& x) {
  constexpr float kMost = 85.0f;         // 2^n stays normal
  constexpr float kRound = 12582912.0f;  // 1.5 * 2^23: adding it rounds to a whole number
  Lanes result;
  for (int i = 0; i < kLanes; ++i) {
    // No conditional on floats: they may trap, so compilers would branch instead of making vector
    // code. As whole numbers, the bits of |x| have the same order, with NaN beyond all.
    const int32_t magnitude = std::bit_cast<int32_t>(x[i]) & 0x7FFFFFFF;
    const int32_t most = std::bit_cast<int32_t>(kMost);
    const float t = -std::bit_cast<float>(magnitude < most ? magnitude : most);
    const float shifted = t * 1.44269504f + kRound;
    const float n = shifted - kRound;
    const float r = (t - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.9875691500e-4f;
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float value = p * (r * r) + r + 1.0f;
    const uint32_t exponent = std::bit_cast<uint32_t>(shifted) - std::bit_cast<uint32_t>(kRound);
    const float power = std::bit_cast<float>((exponent + 127u) << 23);
    const int32_t bits = std::bit_cast<int32_t>(value * power);
    result[i] = std::bit_cast<float>(bits & -static_cast<int32_t>(magnitude < most));
  }
  return result;
}

}  // namespace

float MaxLogit(std::span<const float> logits) {
  Lanes most;
  most.fill(kNothing);
  for (size_t begin = 0; begin < logits.size(); begin += kLanes) {
    const Lanes lanes = Load(logits, begin);
    for (int i = 0; i < kLanes; ++i) most[i] = lanes[i] > most[i] ? lanes[i] : most[i];
  }
  return *std::max_element(most.begin(), most.end());
}

void SoftmaxWeights::Compute(std::span<const float> logits, float max, float scale) {
  weights.resize(logits.size());
  block_sums.clear();
  sum = 0.0;
  std::array<double, kLanes> sums = {};
  const auto end_block = [&] {
    double block = 0.0;
    for (double& lane : sums) block += std::exchange(lane, 0.0);
    block_sums.push_back(block);
    sum += block;
  };
  for (size_t begin = 0; begin < logits.size(); begin += kLanes) {
    Lanes lanes = Load(logits, begin);
    for (int i = 0; i < kLanes; ++i) lanes[i] = (lanes[i] - max) * scale;
    lanes = Exp(lanes);
    for (int i = 0; i < kLanes; ++i) sums[i] += static_cast<double>(lanes[i]);
    std::copy_n(lanes.data(), std::min<size_t>(kLanes, logits.size() - begin),
                weights.data() + begin);
    if ((begin + kLanes) % kWeightBlock == 0) end_block();
  }
  const size_t padded = (logits.size() + kLanes - 1) / kLanes * kLanes;
  if (padded % kWeightBlock != 0) end_block();
}

}  // namespace weir
