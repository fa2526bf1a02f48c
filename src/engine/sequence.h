// SPDX-License-Identifier: Apache-2.0
//
// One generation in the engine: one output of a request, its tokens so far, the pages that hold
// their keys and values, and the state that turns logits into text. Engine thread only.
#ifndef WEIR_ENGINE_SEQUENCE_H_
#define WEIR_ENGINE_SEQUENCE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <tuple>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

#include "base/ids.h"
#include "kv/prefix_cache.h"
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

// What the outputs of one request share.
struct RequestState {
  Request request;  // its prompt has moved into the sequences
  int32_t num_prompt;
  int32_t num_open;               // outputs that have not ended
  bool started = false;           // one of them has
  int64_t arrived_us = 0;         // std::chrono::steady_clock
  int64_t scheduled_us = 0;       // first part of a step; 0: not yet
  int32_t num_cached_tokens = 0;  // of the prompt, when its first output started
};

// The step that news come from. All zero: no step did.
struct StepStamp {
  int64_t step = 0;
  int64_t time_us = 0;  // its end
};

// Pages of a sequence: which they are, and how much of them other sequences can find.
struct PageTable {
  std::vector<PageId> pages;
  int32_t num_published = 0;  // whole pages at the beginning that the prefix cache knows
  PrefixNode last_node;       // of the last of these, or where the chain begins
  uint32_t version = 0;       // changes when a page is replaced or all are given back
};

class Sequence {
 public:
  // `seed` is the request's own plus the index, or one drawn for it. The outputs of a request meet
  // in `state`: each of them may outlive the others.
  Sequence(RequestId id, int32_t index, std::shared_ptr<RequestState> state,
           std::vector<TokenId> prompt, uint64_t seed, const SequenceContext& context);

  RequestId id() const { return id_; }
  int32_t index() const { return index_; }
  const Request& request() const { return state_->request; }
  const RequestState& state() const { return *state_; }
  std::span<const TokenId> tokens() const { return tokens_; }  // prompt, then output
  int32_t num_tokens() const { return static_cast<int32_t>(tokens_.size()); }
  int32_t num_prompt() const { return state_->num_prompt; }
  int32_t num_output() const { return num_tokens() - num_prompt(); }

  // Who comes first: priority, then arrival, then index. Ids ascend in order of arrival.
  auto standing() const { return std::make_tuple(state_->request.priority, id_, index_); }

  // Tokens whose keys and values are in pages. The rest is prefill, or the one token to decode.
  int32_t num_computed() const { return num_computed_; }
  int32_t num_missing() const { return num_tokens() - num_computed_; }
  // Returns how many of them had been computed before a preemption.
  int32_t MarkComputed(int32_t count);
  // Tokens that need no computing because pages that hold them were found.
  void MarkFound(int32_t count);

  // The most tokens that it can ever have computed: its last output token is never fed back.
  int32_t max_computed() const { return num_prompt() + max_output_ - 1; }

  PageTable& table() { return table_; }
  std::vector<PageId>& pages() { return table_.pages; }
  std::span<const PageId> pages() const { return table_.pages; }

  // Before it runs: takes the memory that it needs while it does. Again after a preemption:
  // nothing.
  void Start(int32_t page_len);
  bool started() const { return sampler_.has_value(); }
  // Its first step has begun.
  void MarkScheduled(int64_t now_us);
  // Its pages are gone: everything is to be computed again. Random stream, penalties and text stay
  // as they are, so what it generates does not change.
  void Restart();

  // Chooses the next token from its logits [vocab] (overwritten) and works out what it means: text,
  // stop, length. The result is read through Emit(). May run beside other sequences' calls.
  void Advance(std::span<float> logits, SamplerScratch& scratch);

  // Ends the sequence from outside.
  void End(FinishReason reason, std::string error);

  bool finished() const { return delta_.finish != FinishReason::kNone; }

  // Calls the request's on_delta with what has happened since the last call.
  void Emit(const StepStamp& stamp);

 private:
  void AppendText(TokenId token, bool stops);
  bool IsStopToken(TokenId token) const;

  RequestId id_;
  int32_t index_;
  std::shared_ptr<RequestState> state_;
  int32_t max_output_;
  int32_t vocab_size_;
  uint64_t seed_;
  std::vector<TokenId> stop_ids_;  // the request's and the model's
  std::vector<TokenId> tokens_;
  int32_t num_computed_ = 0;
  int32_t num_once_computed_ = 0;  // the most that num_computed_ ever was
  PageTable table_;
  std::optional<SequenceSampler> sampler_;  // from Start on
  Detokenizer detokenizer_;
  StopMatcher stop_;
  Delta delta_;  // reused, so that a steady-state step allocates nothing
};

// The outputs of a request, in order of index. `seed` is the request's own or one drawn for it;
// output i gets seed + i.
std::vector<std::unique_ptr<Sequence>> MakeSequences(RequestId id, Request request, uint64_t seed,
                                                     int64_t arrived_us,
                                                     const SequenceContext& context);

}  // namespace weir

#endif  // WEIR_ENGINE_SEQUENCE_H_
