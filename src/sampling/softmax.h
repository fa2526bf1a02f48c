// SPDX-License-Identifier: Apache-2.0
//
// Passes over one row of logits. A NaN counts as -inf everywhere: it is never the largest and
// weighs nothing. Each pass takes one order that depends on the length only.
#ifndef WEIR_SAMPLING_SOFTMAX_H_
#define WEIR_SAMPLING_SOFTMAX_H_

#include <cstdint>
#include <span>
#include <vector>

namespace weir {

// -inf when no logit is larger, also for an empty row.
float MaxLogit(std::span<const float> logits);

// Elements whose sum of weights SoftmaxWeights keeps together.
inline constexpr int64_t kWeightBlock = 1024;

struct SoftmaxWeights {
  std::vector<float> weights;      // [vocab]  exp((logit - max) * scale); 1 for the largest
  std::vector<double> block_sums;  // [ceil(vocab / kWeightBlock)]
  double sum = 0.0;                // >= 1

  // Requires: `max` is MaxLogit(logits) and finite, scale > 0 and finite.
  // Numerics: weights have a relative error below 2e-7, and are 0 below exp(-85); the sum is taken
  // in double.
  void Compute(std::span<const float> logits, float max, float scale);
};

}  // namespace weir

#endif  // WEIR_SAMPLING_SOFTMAX_H_
