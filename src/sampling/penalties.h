// SPDX-License-Identifier: Apache-2.0
//
// What lowers the logits of tokens that were there before. Repetition as Hugging Face does it, over
// prompt and output; presence and frequency as OpenAI defines them, over the output.
#ifndef WEIR_SAMPLING_PENALTIES_H_
#define WEIR_SAMPLING_PENALTIES_H_

#include <cstdint>
#include <span>
#include <vector>

#include <weir/request.h>

namespace weir {

class Penalties {
 public:
  // Remembers nothing when no penalty is on. Prompt tokens outside of [0, vocab_size) are a bug.
  // Takes all its memory here: nothing is allocated while tokens are counted.
  Penalties(const SamplingParams& params, std::span<const TokenId> prompt, int32_t vocab_size);

  void CountOutput(TokenId token);

  // For each token seen: logit / r when positive, else logit * r; then, when it is in the output
  // `count` times, less frequency * count and less presence.
  void Apply(std::span<float> logits) const;

 private:
  struct Seen {
    TokenId token;
    int32_t output_count;
  };
  Seen& Find(TokenId token);

  float repetition_;
  float presence_;
  float frequency_;
  bool on_;
  std::vector<Seen> seen_;      // each token once, in order of first sight
  std::vector<int32_t> place_;  // [vocab] index in seen_, or -1; empty when no penalty is on
};

}  // namespace weir

#endif  // WEIR_SAMPLING_PENALTIES_H_
