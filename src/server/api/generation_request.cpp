// SPDX-License-Identifier: Apache-2.0
#include "server/api/generation_request.h"

#include <algorithm>

#include "server/api/chat_messages.h"
#include "server/api/sampling_fields.h"

namespace weir {
namespace {

bool IsArrayOfInts(const Json& value) {
  return value.is_array() && !value.empty() && value[0].is_number();
}

// One prompt: text, or token ids.
std::optional<TextOrTokens> ReadPrompt(FieldReader& fields, const Json& value,
                                       const EngineInfo& engine) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array() && !value.empty()) return ReadTokens(fields, value, "prompt", engine);
  fields.Fail("prompt", ShortJson(value) + (value.is_array() ? " without entries" : "") +
                            ", wanted text, token ids, or an array of either");
  return std::nullopt;
}

void ReadPrompts(FieldReader& fields, const RequestLimits& limits,
                 std::vector<TextOrTokens>& prompts) {
  const Json* value = fields.Find("prompt");
  if (value == nullptr) return fields.Fail("prompt", "absent, wanted text or token ids");
  const bool several = value->is_array() && !value->empty() && !IsArrayOfInts(*value);
  if (!several) {
    if (auto prompt = ReadPrompt(fields, *value, limits.engine)) {
      prompts.push_back(std::move(*prompt));
    }
    return;
  }
  if (value->size() > static_cast<size_t>(limits.options.max_prompts)) {
    return fields.Fail("prompt", fmt::format("{} prompts, wanted at most {}", value->size(),
                                             limits.options.max_prompts));
  }
  for (const Json& entry : *value) {
    auto prompt = ReadPrompt(fields, entry, limits.engine);
    if (!fields.ok()) return;
    prompts.push_back(std::move(*prompt));
  }
}

void ReadStreamOptions(FieldReader& fields, GenerationRequest& request) {
  const Json* options = fields.Find("stream_options");
  if (options == nullptr) return;
  if (!options->is_object()) {
    return fields.Fail("stream_options", ShortJson(*options) + ", wanted an object");
  }
  if (!request.stream) return fields.Fail("stream_options", "given, wanted only with stream");
  const auto read = [&](const char* name, bool& target) {
    const auto found = options->find(name);
    if (found == options->end() || found->is_null()) return;
    if (found->is_boolean()) {
      target = found->get<bool>();
    } else {
      fields.Fail(fmt::format("stream_options.{}", name),
                  ShortJson(*found) + ", wanted true or false");
    }
  };
  read("include_usage", request.include_usage);
  read("continuous_usage_stats", request.continuous_usage);
}

void ReadCommon(FieldReader& fields, const RequestLimits& limits, GenerationRequest& request) {
  request.model = ReadModel(fields, limits);
  request.sampling = ReadSampling(fields, limits.engine);
  if (const auto n = fields.Int("n", std::min(limits.options.max_n, limits.options.max_choices)))
    request.n = static_cast<int32_t>(*n);
  if (const auto max_tokens = fields.Int("max_tokens")) {
    request.max_tokens = static_cast<int32_t>(*max_tokens);
  }
  request.stream = fields.Bool("stream").value_or(false);
  ReadStreamOptions(fields, request);
  request.return_token_ids = fields.Bool("return_token_ids").value_or(false);
  request.priority = static_cast<int32_t>(fields.Int("priority").value_or(0));
  request.cache_salt = fields.String("cache_salt").value_or("");
  fields.String("user");
  request.num_unknown_fields = fields.num_unknown();
}

// max_tokens is given, or not, before the prompt's length is known.
void CheckLengths(FieldReader& fields, const GenerationRequest& request) {
  if (request.max_tokens == 0 && !request.echo) {
    return fields.Fail("max_tokens", request.is_chat ? "0, wanted at least 1"
                                                     : "0, wanted at least 1 without echo");
  }
  const int32_t min_tokens = request.sampling.min_tokens;
  if (request.max_tokens && min_tokens > *request.max_tokens) {
    fields.Fail("min_tokens",
                fmt::format("{}, wanted at most max_tokens, {}", min_tokens, *request.max_tokens));
  }
}

template <class T>
ApiResult<T> Outcome(const FieldReader& fields, T value) {
  if (fields.ok()) return value;
  return tl::unexpected(fields.error());
}

}  // namespace

std::string ReadModel(FieldReader& fields, const RequestLimits& limits) {
  const std::optional<std::string> name = fields.String("model");
  const auto& names = limits.model_names;
  if (!name || name->empty()) return names[0];
  if (std::find(names.begin(), names.end(), *name) != names.end()) return *name;
  fields.Fail({.status = 404,
               .message = fmt::format("model: {}, wanted {}", ShortJson(Json(*name)), names[0]),
               .param = "model",
               .code = "model_not_found"});
  return "";
}

std::vector<TokenId> ReadTokens(FieldReader& fields, const Json& value, std::string_view name,
                                const EngineInfo& engine) {
  std::vector<TokenId> tokens;
  if (!value.is_array()) {
    fields.Fail(name, ShortJson(value) + ", wanted an array of token ids");
    return tokens;
  }
  tokens.reserve(value.size());
  for (size_t i = 0; i < value.size(); ++i) {
    const std::optional<int64_t> token = IntOf(value[i]);
    if (!token || *token < 0 || *token >= engine.vocab_size) {
      fields.Fail(name, fmt::format("entry {} is {}, wanted a token id from 0 to {}", i,
                                    ShortJson(value[i]), engine.vocab_size - 1));
      return {};
    }
    tokens.push_back(static_cast<TokenId>(*token));
  }
  return tokens;
}

ApiResult<GenerationRequest> ParseCompletion(const Json& body, const RequestLimits& limits) {
  FieldReader fields(body, kCompletionBody);
  GenerationRequest request;
  ReadCommon(fields, limits, request);
  ReadPrompts(fields, limits, request.prompts);
  fields.Bool("add_special_tokens");
  request.echo = fields.Bool("echo").value_or(false);
  const auto logprobs = fields.Int("logprobs", limits.options.max_logprobs);
  if (logprobs) request.sampling.num_logprobs = static_cast<int32_t>(*logprobs);
  if (logprobs && request.echo) {
    fields.Fail("echo", "true together with logprobs, which is not supported");
  }
  if (!request.max_tokens) request.max_tokens = limits.options.default_completion_tokens;
  CheckLengths(fields, request);
  const auto num_choices = static_cast<int64_t>(request.prompts.size()) * request.n;
  if (num_choices > limits.options.max_choices) {
    fields.Fail("n", fmt::format("{} for {} prompts, wanted at most {} outputs in all", request.n,
                                 request.prompts.size(), limits.options.max_choices));
  }
  return Outcome(fields, std::move(request));
}

ApiResult<GenerationRequest> ParseChat(const Json& body, const RequestLimits& limits) {
  FieldReader fields(body, kChatBody);
  GenerationRequest request;
  request.is_chat = true;
  ReadCommon(fields, limits, request);
  request.chat = ReadChatInput(fields, limits);
  if (const auto most = fields.Int("max_completion_tokens")) {
    request.max_tokens = static_cast<int32_t>(*most);
  }
  const bool logprobs = fields.Bool("logprobs").value_or(false);
  const auto top = fields.Int("top_logprobs", limits.options.max_logprobs);
  if (top.value_or(0) > 0 && !logprobs) {
    fields.Fail("top_logprobs", fmt::format("{}, wanted only with logprobs true", *top));
  }
  if (logprobs) request.sampling.num_logprobs = static_cast<int32_t>(top.value_or(0));
  CheckLengths(fields, request);
  return Outcome(fields, std::move(request));
}

}  // namespace weir
