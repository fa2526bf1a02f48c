// SPDX-License-Identifier: Apache-2.0
#include "server/api/prompt_builder.h"

#include <algorithm>

namespace weir {
namespace {

size_t LongestTokenBytes(const Engine& engine) {
  size_t longest = 1;
  for (TokenId token = 0; token < engine.info().vocab_size; ++token) {
    longest = std::max(longest, engine.TokenBytes(token).size());
  }
  return longest;
}

ApiError TooLong(const EngineInfo& engine, const GenerationRequest& request, size_t prompt_len) {
  const char* field = request.is_chat ? "messages" : "prompt";
  const std::string asked =
      request.max_tokens ? fmt::format(" and max_tokens {}", *request.max_tokens) : "";
  return {.status = 400,
          .message = fmt::format("{}: {} tokens{}, wanted together at most {}, the model's maximum "
                                 "context length{}",
                                 field, prompt_len, asked, engine.max_model_len,
                                 request.max_tokens ? "" : ", with room for one output token"),
          .param = field,
          .code = "context_length_exceeded"};
}

}  // namespace

PromptBuilder::PromptBuilder(const Engine& engine)
    : engine_(&engine),
      // Normalising may compose characters: at most three bytes become one.
      max_text_bytes_(static_cast<size_t>(engine.info().max_model_len) * LongestTokenBytes(engine) *
                      3) {}

ApiResult<Prompt> PromptBuilder::FromText(std::string text, std::string_view field) const {
  if (text.size() > max_text_bytes_) {
    return tl::unexpected(ApiError{
        .status = 400,
        .message = fmt::format("{}: {} bytes, wanted at most {}: more cannot fit into the model's "
                               "maximum context length of {} tokens",
                               field, text.size(), max_text_bytes_, engine_->info().max_model_len),
        .param = std::string(field),
        .code = "context_length_exceeded"});
  }
  std::vector<TokenId> tokens = engine_->Encode(text);
  return Prompt{.tokens = std::move(tokens), .text = std::move(text)};
}

ApiResult<Prompt> PromptBuilder::FromChat(const ChatInput& chat) const {
  if (chat.variables.size() > max_text_bytes_) {
    return tl::unexpected(ApiError{
        .status = 400,
        .message =
            fmt::format("messages: {} bytes, wanted at most {}: more cannot fit into the "
                        "model's maximum context length of {} tokens",
                        chat.variables.size(), max_text_bytes_, engine_->info().max_model_len),
        .param = "messages",
        .code = "context_length_exceeded"});
  }
  Result<ChatPrompt> prompt = engine_->RenderChat(chat);
  if (!prompt) {
    ApiError error = ToApiError(prompt.error());
    if (error.status == 400) error.param = "messages";
    return tl::unexpected(std::move(error));
  }
  return Prompt{.tokens = std::move(prompt->tokens), .text = std::move(prompt->text)};
}

ApiResult<Prompt> PromptBuilder::BuildOne(const TextOrTokens& prompt, bool echo) const {
  if (const auto* text = std::get_if<std::string>(&prompt)) return FromText(*text, "prompt");
  const auto& tokens = std::get<std::vector<TokenId>>(prompt);
  return Prompt{.tokens = tokens, .text = echo ? engine_->Decode(tokens) : ""};
}

ApiResult<std::vector<Prompt>> PromptBuilder::Build(const GenerationRequest& request) const {
  std::vector<Prompt> prompts;
  const size_t count = request.is_chat ? 1 : request.prompts.size();
  for (size_t i = 0; i < count; ++i) {
    ApiResult<Prompt> prompt =
        request.is_chat ? FromChat(request.chat) : BuildOne(request.prompts[i], request.echo);
    if (!prompt) return tl::unexpected(std::move(prompt.error()));
    if (prompt->tokens.empty()) {
      const char* field = request.is_chat ? "messages" : "prompt";
      return tl::unexpected(
          BadField(field, fmt::format("{}: no tokens, wanted at least one", field)));
    }
    const ApiResult<int32_t> max_tokens = MaxTokens(request, prompt->tokens.size());
    if (!max_tokens) return tl::unexpected(max_tokens.error());
    prompts.push_back(std::move(*prompt));
  }
  return prompts;
}

ApiResult<int32_t> PromptBuilder::MaxTokens(const GenerationRequest& request,
                                            size_t prompt_len) const {
  const int64_t room = int64_t{engine_->info().max_model_len} - static_cast<int64_t>(prompt_len);
  const int64_t wanted = request.max_tokens.value_or(1);
  if (room < wanted || room < 0) {
    return tl::unexpected(TooLong(engine_->info(), request, prompt_len));
  }
  const int64_t max_tokens = request.max_tokens.value_or(room);
  if (request.sampling.min_tokens > max_tokens) {
    return tl::unexpected(
        BadField("min_tokens", fmt::format("min_tokens: {}, wanted at most the {} output tokens "
                                           "that the context has room for",
                                           request.sampling.min_tokens, max_tokens)));
  }
  return static_cast<int32_t>(max_tokens);
}

}  // namespace weir
