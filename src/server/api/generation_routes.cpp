// SPDX-License-Identifier: Apache-2.0
#include "server/api/generation_routes.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <utility>

#include "base/log.h"
#include "server/api/json_budget.h"

namespace weir {
namespace {

// A guess before anything has been read: English has about four bytes per token.
Load GuessLoad(const HttpRequest& request) {
  return {.requests = 1, .tokens = static_cast<int64_t>(request.body.size()) / 4 + 1};
}

// Until the prompts that wait have been computed, as far as the engine knows its speed.
int RetryAfterSeconds(const ApiCore& core) {
  const double rate = core.engine.Stats().prefill_tok_s;
  if (!(rate > 0)) return 1;
  const double seconds = static_cast<double>(core.admission.queued().tokens) / rate;
  return static_cast<int>(std::clamp(std::ceil(seconds), 1.0, 60.0));
}

ApiError QueueFull(ApiCore& core) {
  const bool by_number = core.admission.requests_full();
  core.metrics.Refused(by_number ? Refusal::kQueuedRequests : Refusal::kQueuedTokens);
  const Load queued = core.admission.queued();
  return {.status = 429,
          .message = fmt::format("server: {} prompts of {} tokens wait already, wanted at most "
                                 "{} {}",
                                 queued.requests, queued.tokens,
                                 by_number ? int64_t{core.options.max_queued_requests}
                                           : core.options.max_queued_tokens,
                                 by_number ? "prompts" : "tokens"),
          .code = "queue_full",
          .retry_after_s = RetryAfterSeconds(core)};
}

ApiError Draining() {
  return {
      .status = 503, .message = "server: shutting down, nothing new is taken", .retry_after_s = 1};
}

ApiError InternalError(const std::exception& error) {
  WEIR_LOG(ERROR, "request failed", "what", error.what());
  return {.status = 500, .message = "server: a request failed unexpectedly"};
}

ApiResult<Json> ReadBody(const ApiCore& core, const std::string& body) {
  if (CountJsonValues(body) > core.options.max_json_values) {
    return tl::unexpected(ApiError{
        .status = 413,
        .message = fmt::format("request body: more than {} values", core.options.max_json_values)});
  }
  return ParseBody(body);
}

ApiResult<GenerationRequest> ReadRequest(const ApiCore& core, const std::string& body,
                                         bool is_chat) {
  const ApiResult<Json> json = ReadBody(core, body);
  if (!json) return tl::unexpected(json.error());
  return is_chat ? ParseChat(*json, core.limits) : ParseCompletion(*json, core.limits);
}

Load LoadOf(const std::vector<Prompt>& prompts) {
  Load load = {.requests = static_cast<int64_t>(prompts.size())};
  for (const Prompt& prompt : prompts) load.tokens += static_cast<int64_t>(prompt.tokens.size());
  return load;
}

void Prepare(ApiCore& core, Generation& generation, const std::string& body, bool is_chat) {
  if (generation.stopped()) return generation.TurnAway(Draining());
  ApiResult<GenerationRequest> request = ReadRequest(core, body, is_chat);
  if (!request) return generation.Refuse(request.error());
  ApiResult<std::vector<Prompt>> prompts = core.prompts.Build(*request);
  if (!prompts) return generation.Refuse(prompts.error());
  if (!generation.place().Resize(LoadOf(*prompts))) return generation.TurnAway(QueueFull(core));
  generation.Start(std::move(*request), std::move(*prompts));
}

void Generate(ApiCore& core, HttpRequest request, ReplyPtr reply, bool is_chat) {
  if (core.draining()) {
    core.metrics.Refused(Refusal::kNotReady);
    return reply->Send(ErrorResponse(Draining()));
  }
  std::optional<QueuePlace> place = core.admission.TryEnter(GuessLoad(request));
  if (!place) return reply->Send(ErrorResponse(QueueFull(core)));
  auto generation = Generation::Create(core.generation,
                                       {.tenant = std::move(request.tenant),
                                        .label = std::move(request.id),
                                        .arrived_us = request.arrived_us},
                                       std::move(reply), std::move(*place));
  core.prepare_executor.Post(
      [&core, generation = std::move(generation), body = std::move(request.body), is_chat] {
        try {
          Prepare(core, *generation, body, is_chat);
        } catch (const std::exception& error) {
          generation->Refuse(InternalError(error));
        }
      });
}

// Answers `make(core, body)` from the prepare executor; takes a place in the queue meanwhile.
template <class Make>
void AnswerPrepared(ApiCore& core, HttpRequest request, ReplyPtr reply, Make make) {
  std::optional<QueuePlace> place = core.admission.TryEnter(GuessLoad(request));
  if (!place) return reply->Send(ErrorResponse(QueueFull(core)));
  // std::function wants what can be copied.
  auto held = std::make_shared<QueuePlace>(std::move(*place));
  core.prepare_executor.Post(
      [&core, held, reply = std::move(reply), body = std::move(request.body), make]() mutable {
        try {
          const ApiResult<Json> answer = make(core, body);
          held.reset();
          reply->Send(answer ? JsonResponse(*answer) : ErrorResponse(answer.error()));
        } catch (const std::exception& error) {
          reply->Send(ErrorResponse(InternalError(error)));
        }
      });
}

// What vLLM's render routes answer for one prompt, as far as it concerns text.
Json RenderedJson(const GenerationRequest& request, const Prompt& prompt, int32_t max_tokens) {
  const SamplingParams& s = request.sampling;
  return {{"token_ids", prompt.tokens},
          {"prompt", prompt.text},
          {"features", nullptr},
          {"model", request.model},
          {"stream", request.stream},
          {"priority", request.priority},
          {"sampling_params",
           {{"n", request.n},
            {"temperature", s.temperature},
            {"top_p", s.top_p},
            {"top_k", s.top_k},
            {"min_p", s.min_p},
            {"repetition_penalty", s.repetition_penalty},
            {"presence_penalty", s.presence_penalty},
            {"frequency_penalty", s.frequency_penalty},
            {"seed", s.seed ? Json(static_cast<int64_t>(*s.seed)) : Json()},
            {"max_tokens", max_tokens},
            {"min_tokens", s.min_tokens},
            {"stop", s.stop},
            {"stop_token_ids", s.stop_token_ids},
            {"ignore_eos", s.ignore_eos}}}};
}

ApiResult<Json> Render(const ApiCore& core, const std::string& body, bool is_chat) {
  const ApiResult<GenerationRequest> request = ReadRequest(core, body, is_chat);
  if (!request) return tl::unexpected(request.error());
  const ApiResult<std::vector<Prompt>> prompts = core.prompts.Build(*request);
  if (!prompts) return tl::unexpected(prompts.error());
  Json all = Json::array();
  for (const Prompt& prompt : *prompts) {
    const ApiResult<int32_t> max_tokens = core.prompts.MaxTokens(*request, prompt.tokens.size());
    if (!max_tokens) return tl::unexpected(max_tokens.error());
    all.push_back(RenderedJson(*request, prompt, *max_tokens));
  }
  if (is_chat) return std::move(all[0]);
  return all;
}

ApiResult<Prompt> TokenizePrompt(const ApiCore& core, FieldReader& fields) {
  const Json* prompt = fields.Find("prompt");
  const bool has_messages = fields.Find("messages") != nullptr;
  if (prompt == nullptr && has_messages) {
    const ChatInput chat = ReadChatInput(fields, core.limits);
    if (!fields.ok()) return tl::unexpected(fields.error());
    return core.prompts.FromChat(chat);
  }
  if (prompt != nullptr && has_messages) {
    fields.Fail("messages", "given together with prompt, wanted one of them");
  } else if (prompt == nullptr) {
    fields.Fail("prompt", "absent, wanted text; or messages");
  } else if (!prompt->is_string()) {
    fields.Fail("prompt", ShortJson(*prompt) + ", wanted a string");
  }
  if (!fields.ok()) return tl::unexpected(fields.error());
  return core.prompts.FromText(prompt->get<std::string>(), "prompt");
}

ApiResult<Json> TokenizeAnswer(const ApiCore& core, const std::string& body) {
  const ApiResult<Json> json = ReadBody(core, body);
  if (!json) return tl::unexpected(json.error());
  FieldReader fields(*json, kTokenizeBody);
  ReadModel(fields, core.limits);
  fields.Bool("add_special_tokens");
  const bool wants_texts = fields.Bool("return_token_strs").value_or(false);
  const ApiResult<Prompt> prompt = TokenizePrompt(core, fields);
  if (!prompt) return tl::unexpected(prompt.error());
  Json answer = {{"count", prompt->tokens.size()},
                 {"max_model_len", core.engine.info().max_model_len},
                 {"tokens", prompt->tokens},
                 {"token_strs", nullptr}};
  if (wants_texts) {
    Json texts = Json::array();
    for (const TokenId token : prompt->tokens) texts.push_back(core.engine.Decode({token}));
    answer["token_strs"] = std::move(texts);
  }
  return answer;
}

ApiResult<Json> DetokenizeAnswer(const ApiCore& core, const std::string& body) {
  const ApiResult<Json> json = ReadBody(core, body);
  if (!json) return tl::unexpected(json.error());
  FieldReader fields(*json, kDetokenizeBody);
  ReadModel(fields, core.limits);
  const Json* value = fields.Find("tokens");
  if (value == nullptr) fields.Fail("tokens", "absent, wanted an array of token ids");
  const std::vector<TokenId> tokens = fields.ok()
                                          ? ReadTokens(fields, *value, "tokens", core.engine.info())
                                          : std::vector<TokenId>();
  if (!fields.ok()) return tl::unexpected(fields.error());
  return Json{{"prompt", core.engine.Decode(tokens)}};
}

}  // namespace

void Completions(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  Generate(core, std::move(request), std::move(reply), /*is_chat=*/false);
}

void ChatCompletions(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  Generate(core, std::move(request), std::move(reply), /*is_chat=*/true);
}

void RenderCompletions(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  AnswerPrepared(core, std::move(request), std::move(reply),
                 [](const ApiCore& c, const std::string& body) { return Render(c, body, false); });
}

void RenderChatCompletions(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  AnswerPrepared(core, std::move(request), std::move(reply),
                 [](const ApiCore& c, const std::string& body) { return Render(c, body, true); });
}

void Tokenize(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  AnswerPrepared(core, std::move(request), std::move(reply), TokenizeAnswer);
}

void Detokenize(ApiCore& core, HttpRequest request, ReplyPtr reply) {
  AnswerPrepared(core, std::move(request), std::move(reply), DetokenizeAnswer);
}

}  // namespace weir
