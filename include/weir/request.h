// SPDX-License-Identifier: Apache-2.0
//
// What a user asks of the engine and what comes back while it is being answered.
#ifndef WEIR_REQUEST_H_
#define WEIR_REQUEST_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

using TokenId = int32_t;
using RequestId = int64_t;

// How the next token is chosen. The defaults mean: draw from the model's own distribution.
// Order of application: logit bias, penalties, temperature, min-p, top-k, top-p, draw.
struct SamplingParams {
  float temperature = 1.0f;         // >= 0; 0, or below 1e-5, is greedy
  int32_t top_k = 0;                // 0: all
  float top_p = 1.0f;               // in (0, 1]
  float min_p = 0.0f;               // in [0, 1], relative to the most probable token
  float repetition_penalty = 1.0f;  // > 0; over prompt and output tokens
  float presence_penalty = 0.0f;    // in [-2, 2]; over output tokens
  float frequency_penalty = 0.0f;   // in [-2, 2]; over output tokens
  std::vector<std::pair<TokenId, float>> logit_bias;
  std::optional<uint64_t> seed;  // none: drawn from the system, so runs differ

  int32_t max_tokens = 256;  // output tokens at most; the context length bounds it as well
  int32_t min_tokens = 0;    // no stop token or stop string before so many output tokens
  bool ignore_eos = false;   // go on through the model's own end-of-sequence tokens
  std::vector<TokenId> stop_token_ids;  // besides the model's own
  std::vector<std::string> stop;        // generation ends before the first of these in the text
  bool include_stop = false;            // keep the stop string in the text
  int32_t num_logprobs = -1;  // -1: none; 0: the chosen token's; k: also the k most probable
};

enum class FinishReason {
  kNone,    // still running
  kStop,    // a stop token or a stop string
  kLength,  // max_tokens or the context length
  kCancel,  // the caller's wish
  kError,   // see Delta::error
};

// "stop", "length", ...
const char* FinishReasonName(FinishReason reason);

struct TokenLogprob {
  TokenId token;
  float logprob;  // natural log, after bias, penalties and temperature 1
};

struct OutputToken {
  TokenId token;
  float logprob = 0.0f;           // valid when logprobs were asked for
  std::vector<TokenLogprob> top;  // most probable first
};

// One step's news of one output of a request. Text is always whole UTF-8 characters; bytes that
// cannot become any are replaced by U+FFFD, as Hugging Face tokenizers do.
struct Delta {
  RequestId request;
  int32_t index = 0;  // which of the request's outputs, in [0, Request::n)
  std::vector<OutputToken> tokens;
  std::string text;
  FinishReason finish = FinishReason::kNone;  // of this output
  std::string error;                          // when finish is kError
  bool last = false;                          // every output has ended: nothing comes after this

  int64_t step = 0;               // the step that computed it; 0 when none did
  int64_t time_us = 0;            // end of that step, std::chrono::steady_clock
  int64_t scheduled_us = 0;       // when the request was first part of a step, same clock
  int32_t num_cached_tokens = 0;  // of the prompt, found in the prefix cache; constant from the
                                  // first delta with tokens on
};

struct Request {
  std::vector<TokenId> prompt;  // at least one token, each inside the vocabulary
  SamplingParams sampling;
  int32_t n = 1;           // outputs; with a seed, output i draws from seed + i
  int32_t priority = 0;    // lower runs first; among equals, first come, first served
  std::string cache_salt;  // cached prefixes are shared among equal salts only
  std::string label;       // the caller's own name for it, for records and logs; need not be unique
  // Called on the engine thread, in order, once per step and output that it concerns; the last call
  // has `last` set. It must not block.
  std::function<void(const Delta&)> on_delta;
};

}  // namespace weir

#endif  // WEIR_REQUEST_H_
