// SPDX-License-Identifier: Apache-2.0
//
// Writes one request's outputs as OpenAI's JSON: chunks of a stream, or one object.
#ifndef WEIR_SERVER_API_REPLY_FORMAT_H_
#define WEIR_SERVER_API_REPLY_FORMAT_H_

#include <cstdint>
#include <string>
#include <vector>

#include <weir/engine.h>

#include "base/json.h"
#include "server/api/output_piece.h"

namespace weir {

struct ReplyFacts {
  bool is_chat = false;
  bool wants_usage = false;  // in the stream
  bool continuous_usage = false;
  int32_t num_logprobs = -1;  // as SamplingParams has it
  std::string id;
  std::string model;
  int64_t created_unix = 0;
  std::vector<int64_t> echo_characters;  // per prompt: of the text that its outputs begin with
  // Per prompt, when token ids are wanted; otherwise empty.
  std::vector<std::vector<TokenId>> prompt_tokens;
};

class ReplyFormat {
 public:
  // `engine` must outlive the format.
  ReplyFormat(const Engine& engine, ReplyFacts facts, size_t num_outputs);

  // A chunk of a stream. Pieces of one output come in order.
  Json Chunk(const OutputPiece& piece, const Usage& usage);

  // The last chunk, which has no choices.
  Json UsageChunk(const Usage& usage) const;

  // The whole reply.
  Json Whole(const std::vector<OutputPiece>& outputs, const Usage& usage);

 private:
  Json Head(const char* object) const;
  Json Logprobs(const OutputPiece& piece);
  void AddTokenIds(const OutputPiece& piece, Json& choice) const;
  bool wants_token_ids() const { return !facts_.prompt_tokens.empty(); }

  const Engine* engine_;
  const ReplyFacts facts_;
  std::vector<int64_t> text_offsets_;  // per output: characters so far, for completions' logprobs
};

Json UsageJson(const Usage& usage);

// "data: {json}\n\n".
std::string SseEvent(const Json& json);
inline constexpr std::string_view kSseDone = "data: [DONE]\n\n";

}  // namespace weir

#endif  // WEIR_SERVER_API_REPLY_FORMAT_H_
