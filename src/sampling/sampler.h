// SPDX-License-Identifier: Apache-2.0
//
// Chooses the next token of one sequence from its logits.
//
// Order     logit bias; repetition, frequency and presence penalty; forbidden tokens; logprobs are
//           taken here, at temperature 1; temperature; min-p; top-k; top-p; draw. This is vLLM's
//           order, except that vLLM takes logprobs before everything else. Hugging Face applies
//           min-p after top-p, which lets top-p keep more tokens when both are on.
// Ties      the lower id comes first: for greedy, for the last place of top-k and of top-p.
// Greedy    temperature below kGreedyTemperature; filters cannot change the result and are skipped.
// NaN       a NaN logit is never chosen; of several +inf all are equally probable. A row without a
//           logit above -inf is an error of this sequence.
#ifndef WEIR_SAMPLING_SAMPLER_H_
#define WEIR_SAMPLING_SAMPLER_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

#include "sampling/candidates.h"
#include "sampling/penalties.h"
#include "sampling/softmax.h"

namespace weir {

// As in vLLM: below it, differences of logits would overflow instead of deciding.
inline constexpr float kGreedyTemperature = 1e-5f;

// Reusable by any number of sequences of at most `vocab_size` tokens, one after the other. Takes
// all its memory at birth, about 16 bytes per token of the vocabulary.
struct SamplerScratch {
  // Vectors of full size and not only of full capacity, which a copy would not take over.
  explicit SamplerScratch(int32_t vocab_size) : candidates(static_cast<size_t>(vocab_size)) {
    softmax.weights.resize(static_cast<size_t>(vocab_size));
    softmax.block_sums.resize(static_cast<size_t>(vocab_size / kWeightBlock + 1));
  }

  SoftmaxWeights softmax;
  std::vector<Candidate> candidates;
};

// One per sequence; one thread at a time.
class SequenceSampler {
 public:
  // Requires: `params` passed ValidateSampling; prompt tokens lie inside the vocabulary. `seed` is
  // params.seed, or one that the caller drew. Draw i is a function of (seed, i) only.
  SequenceSampler(const SamplingParams& params, uint64_t seed, std::span<const TokenId> prompt,
                  int32_t vocab_size);

  // Chooses the next token and remembers it for the penalties. `logits` [vocab_size] is
  // overwritten. `forbidden`: tokens that may not be chosen now, e.g. stop tokens before
  // min_tokens; ids outside of the vocabulary are skipped. After an error nothing is remembered.
  Result<OutputToken> Next(std::span<float> logits, std::span<const TokenId> forbidden,
                           SamplerScratch& scratch);

 private:
  void Adjust(std::span<float> logits, std::span<const TokenId> forbidden) const;
  TokenId Draw(std::span<const float> logits, float max, SamplerScratch& scratch) const;
  void AddLogprobs(std::span<const float> logits, float max, SamplerScratch& scratch,
                   OutputToken& out) const;

  // Constant after construction.
  const int32_t vocab_size_;
  const uint64_t seed_;
  const float temperature_;
  const int32_t top_k_;
  const float top_p_;
  const float min_p_;
  const int32_t num_logprobs_;
  const std::vector<std::pair<TokenId, float>> logit_bias_;

  Penalties penalties_;
  uint64_t num_draws_ = 0;
};

// The limits of a request's lists.
inline constexpr size_t kMaxLogitBiases = 1024;
inline constexpr size_t kMaxStopTokens = 1024;
inline constexpr size_t kMaxStopStrings = 64;
inline constexpr size_t kMaxStopBytes = 4096;
inline constexpr int32_t kMaxLogprobs = 20;
inline constexpr float kMaxLogitBias = 100.0f;

// Every range that <weir/request.h> states and the limits above; the message names the field, its
// value and the range.
Status ValidateSampling(const SamplingParams& params, int32_t vocab_size);

}  // namespace weir

#endif  // WEIR_SAMPLING_SAMPLER_H_
