// SPDX-License-Identifier: Apache-2.0
//
// Taking, submitting and stopping. What becomes of deltas is in generation_reply.cpp.
#include "server/api/generation.h"

#include <utility>

#include "base/error.h"
#include "server/api/logprobs_json.h"
#include "server/api/steady_clock.h"

namespace weir {

std::shared_ptr<Generation> Generation::Create(const GenerationContext& context, Caller caller,
                                               std::shared_ptr<HttpReply> reply, QueuePlace place) {
  std::shared_ptr<Generation> generation(
      new Generation(context, std::move(caller), std::move(reply), std::move(place)));
  context.registry.Add(generation);
  generation->reply_->OnGone([weak = std::weak_ptr<Generation>(generation)] {
    if (const auto alive = weak.lock()) alive->Stop(StopCause::kClientGone);
  });
  return generation;
}

Generation::Generation(const GenerationContext& context, Caller caller,
                       std::shared_ptr<HttpReply> reply, QueuePlace place)
    : context_(context),
      caller_(std::move(caller)),
      reply_(std::move(reply)),
      place_(std::move(place)) {}

Generation::~Generation() {
  place_ = QueuePlace();
  reply_ = nullptr;                // it counts itself in what generations share
  context_.registry.Remove(this);  // last: whoever waits for it may end what generations share
}

std::string Generation::id() const {
  MutexLock lock(mutex_);
  return id_;
}

StopCause Generation::cause() const {
  MutexLock lock(mutex_);
  return cause_;
}

void Generation::Stop(StopCause cause) {
  {
    MutexLock lock(mutex_);
    if (cause_ != StopCause::kNone) return;
    cause_ = cause;
  }
  if (cause == StopCause::kClientGone) context_.metrics.ClientGone();
  CancelRequests();
}

void Generation::CancelRequests() {
  std::vector<RequestId> requests;
  {
    MutexLock lock(mutex_);
    requests = requests_;
  }
  for (const RequestId request : requests) context_.engine.Cancel(request);
}

void Generation::Refuse(const ApiError& error) {
  context_.metrics.Refused(error.status == 503 ? Refusal::kNotReady : Refusal::kInvalid);
  Fail(error);
}

void Generation::SetUp(const std::vector<Prompt>& prompts) {
  const auto n = static_cast<size_t>(request_.n);
  prompts_.resize(prompts.size());
  outputs_.resize(prompts.size() * n);
  for (size_t i = 0; i < prompts.size(); ++i) {
    prompts_[i].prompt_len = static_cast<int32_t>(prompts[i].tokens.size());
    if (request_.echo) prompts_[i].echo = prompts[i].text;
    usage_.prompt_tokens += prompts_[i].prompt_len;
    for (size_t k = i * n; k < (i + 1) * n; ++k) {
      OutputState& output = outputs_[k];
      output.piece.index = static_cast<int32_t>(k);
      output.piece.prompt = static_cast<int32_t>(i);
      output.times.arrived_us = caller_.arrived_us;
      if (request_.is_chat && context_.options.split_reasoning) {
        output.splitter.emplace(EndsInsideThink(prompts[i].text));
        output.piece.in_reasoning = output.splitter->in_reasoning();
      }
    }
  }
}

ReplyFacts Generation::Facts(const std::vector<Prompt>& prompts, std::string id) const {
  ReplyFacts facts = {.is_chat = request_.is_chat,
                      .wants_usage = request_.include_usage,
                      .continuous_usage = request_.continuous_usage,
                      .num_logprobs = request_.sampling.num_logprobs,
                      .id = std::move(id),
                      .model = request_.model,
                      .created_unix = UnixSeconds()};
  for (const PromptState& prompt : prompts_) {
    facts.echo_characters.push_back(CountCharacters(prompt.echo));
  }
  if (request_.return_token_ids) {
    for (const Prompt& prompt : prompts) facts.prompt_tokens.push_back(prompt.tokens);
  }
  return facts;
}

Result<RequestId> Generation::Submit(size_t prompt, std::vector<TokenId> tokens) {
  const ApiResult<int32_t> max_tokens = context_.prompts.MaxTokens(request_, tokens.size());
  if (!max_tokens) return Err(Code::kInvalidRequest, max_tokens.error().message);
  Request request = {.prompt = std::move(tokens),
                     .sampling = request_.sampling,
                     .n = request_.n,
                     .priority = request_.priority,
                     .label = caller_.label};
  request.sampling.max_tokens = *max_tokens;
  if (!caller_.tenant.empty() || !request_.cache_salt.empty()) {
    request.cache_salt = caller_.tenant + '\0' + request_.cache_salt;
  }
  request.on_delta = [self = shared_from_this(), prompt](const Delta& delta) {
    self->Deliver(prompt, delta);
  };
  const int64_t now_us = SteadyUs();
  for (int32_t i = 0; i < request_.n; ++i) {
    outputs_[prompt * static_cast<size_t>(request_.n) + static_cast<size_t>(i)].times.submitted_us =
        now_us;
  }
  WEIR_ASSIGN_OR_RETURN(const RequestId id, context_.engine.Submit(std::move(request)));
  context_.metrics.RequestTaken(request_.n, *max_tokens);
  bool stopped = false;
  {
    MutexLock lock(mutex_);
    requests_.push_back(id);
    stopped = cause_ != StopCause::kNone;
  }
  if (stopped) context_.engine.Cancel(id);
  return id;
}

void Generation::Start(GenerationRequest request, std::vector<Prompt> prompts) {
  request_ = std::move(request);
  context_.metrics.UnknownFields(request_.num_unknown_fields);
  SetUp(prompts);
  const std::string prefix = (request_.is_chat ? "chatcmpl-" : "cmpl-") + context_.id_nonce + "-";
  const size_t num_outputs = outputs_.size();
  if (request_.max_tokens == 0) {
    const std::string id = fmt::format("{}e{}", prefix, context_.registry.NextSerial());
    format_.emplace(context_.engine, Facts(prompts, id), num_outputs);
    return AnswerEcho();
  }
  ReplyFacts facts = Facts(prompts, "");
  for (size_t i = 0; i < prompts.size(); ++i) {
    const Result<RequestId> submitted = Submit(i, std::move(prompts[i].tokens));
    if (!submitted) {
      Refuse(ToApiError(submitted.error()));
      for (size_t rest = i; rest < prompts.size(); ++rest) {
        prompts_[rest].ended = true;
        ++num_ended_;
      }
      break;
    }
    if (i == 0) facts.id = fmt::format("{}{}", prefix, *submitted);
  }
  {
    MutexLock lock(mutex_);
    id_ = facts.id;
  }
  format_.emplace(context_.engine, std::move(facts), num_outputs);
  OpenMailbox();
  ScheduleKeepAlive();
}

void Generation::AnswerEcho() {
  for (OutputState& output : outputs_) {
    output.piece.text = prompts_[static_cast<size_t>(output.piece.prompt)].echo;
    output.piece.finish = FinishReason::kLength;
    if (!request_.stream) continue;
    StartStreaming();
    WriteEvent(SseEvent(format_->Chunk(output.piece, usage_)));
  }
  num_ended_ = prompts_.size();
  Finish();
}

void Generation::OpenMailbox() {
  MutexLock lock(mutex_);
  started_ = true;
  if (!mailbox_.empty()) Schedule();
}

void Generation::Deliver(size_t prompt, const Delta& delta) {
  MutexLock lock(mutex_);
  mailbox_.push_back({prompt, delta});
  if (started_ && !scheduled_) Schedule();
}

void Generation::Schedule() {
  scheduled_ = true;
  context_.stream_executor.Post([self = shared_from_this()] { self->Drain(); });
}

}  // namespace weir
