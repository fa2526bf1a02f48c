// SPDX-License-Identifier: Apache-2.0
#include "server/api/reply_format.h"

#include <utility>

#include "server/api/logprobs_json.h"

namespace weir {
namespace {

Json FinishJson(FinishReason finish) {
  if (finish == FinishReason::kNone) return nullptr;
  if (finish == FinishReason::kCancel) return "abort";  // as vLLM calls it
  return FinishReasonName(finish);
}

// Role and text come together: clients take the first chunk for the first token.
Json ChatDelta(const OutputPiece& piece) {
  Json delta = Json::object();
  if (piece.first) delta["role"] = "assistant";
  if (!piece.reasoning.empty()) delta["reasoning_content"] = piece.reasoning;
  if (!piece.text.empty()) delta["content"] = piece.text;
  const bool silent = piece.reasoning.empty() && piece.text.empty();
  if (silent && piece.finish == FinishReason::kNone) {
    delta[piece.in_reasoning ? "reasoning_content" : "content"] = "";
  } else if (silent && piece.first) {
    delta["content"] = "";
  }
  return delta;
}

Json ChatMessage(const OutputPiece& output) {
  return {{"role", "assistant"},
          {"content", output.text},
          {"reasoning_content", output.reasoning.empty() ? Json() : Json(output.reasoning)}};
}

}  // namespace

Json UsageJson(const Usage& usage) {
  return {{"prompt_tokens", usage.prompt_tokens},
          {"completion_tokens", usage.completion_tokens},
          {"total_tokens", usage.prompt_tokens + usage.completion_tokens},
          {"prompt_tokens_details", {{"cached_tokens", usage.cached_tokens}}}};
}

std::string SseEvent(const Json& json) { return "data: " + DumpJson(json) + "\n\n"; }

ReplyFormat::ReplyFormat(const Engine& engine, ReplyFacts facts, size_t num_outputs)
    : engine_(&engine), facts_(std::move(facts)), text_offsets_(num_outputs, 0) {}

Json ReplyFormat::Head(const char* object) const {
  return {{"id", facts_.id},
          {"object", object},
          {"created", facts_.created_unix},
          {"model", facts_.model},
          {"choices", Json::array()}};
}

Json ReplyFormat::Logprobs(const OutputPiece& piece) {
  if (facts_.num_logprobs < 0) return nullptr;
  if (facts_.is_chat) return ChatLogprobs(*engine_, piece.tokens, facts_.num_logprobs);
  int64_t& offset = text_offsets_[static_cast<size_t>(piece.index)];
  if (piece.first) offset = facts_.echo_characters[static_cast<size_t>(piece.prompt)];
  return CompletionLogprobs(*engine_, piece.tokens, offset);
}

void ReplyFormat::AddTokenIds(const OutputPiece& piece, Json& choice) const {
  if (!wants_token_ids()) return;
  Json ids = Json::array();
  for (const OutputToken& token : piece.tokens) ids.push_back(token.token);
  choice["token_ids"] = std::move(ids);
  if (!facts_.is_chat && piece.first) {
    choice["prompt_token_ids"] = facts_.prompt_tokens[static_cast<size_t>(piece.prompt)];
  }
}

Json ReplyFormat::Chunk(const OutputPiece& piece, const Usage& usage) {
  Json chunk = Head(facts_.is_chat ? "chat.completion.chunk" : "text_completion");
  Json choice = {{"index", piece.index}};
  if (facts_.is_chat) {
    choice["delta"] = ChatDelta(piece);
  } else {
    choice["text"] = piece.text;
  }
  choice["logprobs"] = piece.tokens.empty() ? Json() : Logprobs(piece);
  choice["finish_reason"] = FinishJson(piece.finish);
  AddTokenIds(piece, choice);
  chunk["choices"].push_back(std::move(choice));
  if (facts_.is_chat && piece.first && wants_token_ids()) {
    chunk["prompt_token_ids"] = facts_.prompt_tokens[0];
  }
  if (facts_.continuous_usage) {
    chunk["usage"] = UsageJson(usage);
  } else if (facts_.wants_usage) {
    chunk["usage"] = nullptr;
  }
  return chunk;
}

Json ReplyFormat::UsageChunk(const Usage& usage) const {
  Json chunk = Head(facts_.is_chat ? "chat.completion.chunk" : "text_completion");
  chunk["usage"] = UsageJson(usage);
  return chunk;
}

Json ReplyFormat::Whole(const std::vector<OutputPiece>& outputs, const Usage& usage) {
  Json reply = Head(facts_.is_chat ? "chat.completion" : "text_completion");
  for (const OutputPiece& output : outputs) {
    Json choice = {{"index", output.index}};
    if (facts_.is_chat) {
      choice["message"] = ChatMessage(output);
    } else {
      choice["text"] = output.text;
    }
    choice["logprobs"] = Logprobs(output);
    choice["finish_reason"] = FinishJson(output.finish);
    AddTokenIds(output, choice);
    reply["choices"].push_back(std::move(choice));
  }
  if (facts_.is_chat && wants_token_ids()) reply["prompt_token_ids"] = facts_.prompt_tokens[0];
  reply["usage"] = UsageJson(usage);
  return reply;
}

}  // namespace weir
