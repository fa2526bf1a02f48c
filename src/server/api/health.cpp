// SPDX-License-Identifier: Apache-2.0
#include "server/api/health.h"

#include <fmt/format.h>
#include <utility>

#include "server/api/api_error.h"

namespace weir {
namespace {

// What the engine says answers whoever waits now; a time limit only those that it was set for.
constexpr int64_t kAnyRound = -1;
constexpr int32_t kCanaryPriority = -(1 << 30);  // before every client

}  // namespace

std::string HeartbeatProblem(const EngineStats& stats, int64_t now_us, int32_t stall_ms) {
  if (stats.idle && stats.num_waiting == 0) return "";
  const int64_t silent_ms = (now_us - stats.heartbeat_us) / 1000;
  if (silent_ms <= stall_ms) return "";
  return fmt::format("engine: no step ended for {} ms, wanted one within {} ms", silent_ms,
                     stall_ms);
}

Canary::Canary(Engine& engine, Timer& timer, int32_t limit_ms)
    : engine_(engine), timer_(timer), limit_ms_(limit_ms) {}

void Canary::Ask(std::shared_ptr<HttpReply> reply) {
  int64_t round = 0;
  bool submit = false;
  {
    MutexLock lock(mutex_);
    const bool first = waiting_.empty();
    waiting_.push_back(std::move(reply));
    if (!first) return;
    round = ++round_;
    // One that the engine still holds is stuck: another would tell nothing new.
    submit = !std::exchange(in_engine_, true);
  }
  timer_.CallAfter(limit_ms_, [weak = weak_from_this(), round, limit_ms = limit_ms_] {
    const auto self = weak.lock();
    if (self) self->Answer(round, fmt::format("engine: no token within {} ms", limit_ms));
  });
  if (submit) Submit();
}

void Canary::Submit() {
  Request request = {.prompt = {0}, .label = "canary"};
  request.sampling.temperature = 0;
  request.sampling.max_tokens = 1;
  request.sampling.ignore_eos = true;
  request.priority = kCanaryPriority;
  request.cache_salt = "canary";
  request.on_delta = [self = shared_from_this()](const Delta& delta) {
    if (!delta.tokens.empty()) self->Answer(kAnyRound, "");
    if (!delta.last) return;
    if (delta.tokens.empty()) self->Answer(kAnyRound, "engine: the canary ended without a token");
    self->EngineDone();
  };
  const Result<RequestId> submitted = engine_.Submit(std::move(request));
  if (submitted) return;
  Answer(kAnyRound, submitted.error().message);
  EngineDone();
}

void Canary::Answer(int64_t round, const std::string& problem) {
  std::vector<std::shared_ptr<HttpReply>> replies;
  {
    MutexLock lock(mutex_);
    if (round != kAnyRound && round != round_) return;
    replies.swap(waiting_);
  }
  for (const auto& reply : replies) {
    if (problem.empty()) {
      reply->Send({.status = 200, .content_type = "text/plain; charset=utf-8"});
    } else {
      reply->Send(ErrorResponse({.status = 503, .message = problem}));
    }
  }
}

void Canary::EngineDone() {
  MutexLock lock(mutex_);
  in_engine_ = false;
  idle_.NotifyAll();
}

void Canary::WaitUntilIdle() {
  MutexLock lock(mutex_);
  while (in_engine_) idle_.Wait(mutex_);
}

}  // namespace weir
