// SPDX-License-Identifier: Apache-2.0
//
// One generation in the engine: a request, its tokens so far, the pages that hold their keys and
// values, and the state that turns logits into text. Engine thread only.
#ifndef WEIR_ENGINE_SEQUENCE_H_
#define WEIR_ENGINE_SEQUENCE_H_

#include <cstdint>
#include <span>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

#include "base/ids.h"
#include "sampling/sampler.h"
#include "sampling/stop_matcher.h"
#include "text/detokenizer.h"
#include "text/tokenizer.h"

namespace weir {

// What is the same for every sequence of an engine.
struct SequenceContext {
  const Tokenizer& tokenizer;
  std::span<const TokenId> eos_ids;
  int32_t vocab_size;
  int32_t max_model_len;
};

class Sequence {
 public:
  // `seed` is the request's own or one drawn for it.
  Sequence(RequestId id, Request request, uint64_t seed, const SequenceContext& context);

  RequestId id() const { return id_; }
  std::span<const TokenId> tokens() const { return tokens_; }  // prompt, then output
  int32_t num_tokens() const { return static_cast<int32_t>(tokens_.size()); }
  int32_t num_output() const { return num_tokens() - num_prompt_; }

  // Tokens whose keys and values are in pages. The rest is prefill, or the one token to decode.
  int32_t num_computed() const { return num_computed_; }
  void MarkComputed(int32_t count) { num_computed_ += count; }

  // The most tokens that it can ever have computed: its last output token is never fed back.
  int32_t max_computed() const { return num_prompt_ + max_output_ - 1; }

  std::vector<PageId>& pages() { return pages_; }
  std::span<const PageId> pages() const { return pages_; }

  // Chooses the next token from its logits [vocab] (overwritten) and works out what it means: text,
  // stop, length. The result is read through delta(). May run beside other sequences' calls.
  void Advance(std::span<float> logits, SamplerScratch& scratch);

  // Ends the sequence from outside.
  void End(FinishReason reason, std::string error);

  bool finished() const { return delta_.finish != FinishReason::kNone; }

  // Calls the request's on_delta with what has happened since the last call.
  void Emit();

 private:
  void AppendText(TokenId token, bool stops);
  bool IsStopToken(TokenId token) const;

  RequestId id_;
  Request request_;
  int32_t num_prompt_;
  int32_t max_output_;
  std::vector<TokenId> stop_ids_;  // the request's and the model's
  std::vector<TokenId> tokens_;
  int32_t num_computed_ = 0;
  std::vector<PageId> pages_;
  SequenceSampler sampler_;
  Detokenizer detokenizer_;
  StopMatcher stop_;
  Delta delta_;  // reused, so that a steady-state step allocates nothing
};

}  // namespace weir

#endif  // WEIR_ENGINE_SEQUENCE_H_
