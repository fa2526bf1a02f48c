// SPDX-License-Identifier: Apache-2.0
//
// The stream executor's side of a generation: from deltas to the reply.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "server/api/generation.h"
#include "server/api/steady_clock.h"

namespace weir {
namespace {

double Milliseconds(int64_t begin_us, int64_t end_us) {
  return static_cast<double>(std::max<int64_t>(end_us - begin_us, 0)) * 1e-3;
}

ApiError ClosingError() {
  return {.status = 503, .message = "server: shutting down before the answer was complete"};
}

}  // namespace

void Generation::Drain() {
  for (;;) {
    std::vector<Arrival> arrivals;
    bool keep_alive = false;
    {
      MutexLock lock(mutex_);
      arrivals.swap(mailbox_);
      keep_alive = std::exchange(keep_alive_due_, false);
      if (arrivals.empty() && !keep_alive) {
        scheduled_ = false;
        return;
      }
    }
    for (const Arrival& arrival : arrivals) Take(arrival);
    if (keep_alive) KeepAlive();
  }
}

void Generation::Take(const Arrival& arrival) {
  const Delta& delta = arrival.delta;
  const auto n = static_cast<size_t>(request_.n);
  OutputState& output = outputs_[arrival.prompt * n + static_cast<size_t>(delta.index)];
  Measure(arrival, prompts_[arrival.prompt], output);
  if (delta.finish == FinishReason::kError) {
    Fail({.status = 500, .message = "engine: " + delta.error});
  } else {
    Emit(output, delta);
  }
  if (delta.finish != FinishReason::kNone) EndOutput(output, delta.finish);
  if (delta.last) EndPrompt(arrival.prompt, delta.finish);
}

void Generation::Measure(const Arrival& arrival, PromptState& prompt, OutputState& output) {
  const Delta& delta = arrival.delta;
  if (delta.tokens.empty()) return;
  if (!prompt.has_token) {
    prompt.has_token = true;
    prompt.num_cached = delta.num_cached_tokens;
    usage_.cached_tokens += delta.num_cached_tokens;
    place_.Leave(prompt.prompt_len);
  }
  usage_.completion_tokens += static_cast<int64_t>(delta.tokens.size());
  OutputTimes& times = output.times;
  times.num_tokens += static_cast<int32_t>(delta.tokens.size());
  times.scheduled_us = delta.scheduled_us;
  if (times.first_us == 0) {
    times.first_us = delta.time_us;
    context_.metrics.FirstToken({.arrived_us = times.arrived_us, .first_us = delta.time_us});
  } else {
    context_.metrics.NextToken(delta.time_us - times.last_us);
  }
  times.last_us = delta.time_us;
}

void Generation::AddText(OutputState& output, const Delta& delta) {
  OutputPiece& piece = output.piece;
  if (!output.splitter) {
    piece.text += delta.text;
    return;
  }
  const auto add = [&](SplitText split) {
    piece.reasoning += split.reasoning;
    piece.text += split.content;
  };
  add(output.splitter->Push(delta.text));
  if (delta.finish != FinishReason::kNone) add(output.splitter->Flush());
  piece.in_reasoning = output.splitter->in_reasoning();
}

void Generation::Emit(OutputState& output, const Delta& delta) {
  if (closed_) return;
  if (delta.finish == FinishReason::kCancel && cause() != StopCause::kAborted) {
    // Nobody listens, or the engine ends before its requests do.
    return Fail(ClosingError());
  }
  OutputPiece& piece = output.piece;
  const bool keeps_tokens = request_.return_token_ids || request_.sampling.num_logprobs >= 0;
  if (!std::exchange(output.begun, true)) {
    piece.text = prompts_[static_cast<size_t>(piece.prompt)].echo;
  }
  AddText(output, delta);
  if (keeps_tokens) {
    piece.tokens.insert(piece.tokens.end(), delta.tokens.begin(), delta.tokens.end());
  }
  piece.finish = delta.finish;
  if (!request_.stream) return;
  StartStreaming();
  WriteEvent(SseEvent(format_->Chunk(piece, usage_)));
  piece.first = false;
  piece.text.clear();
  piece.reasoning.clear();
  piece.tokens.clear();
}

void Generation::EndOutput(OutputState& output, FinishReason reason) {
  if (output.ended) return;
  output.ended = true;
  output.piece.finish = reason;
  context_.metrics.OutputEnded(reason, output.times);
  PromptState& prompt = prompts_[static_cast<size_t>(output.piece.prompt)];
  prompt.longest_output = std::max(prompt.longest_output, output.times.num_tokens);
}

void Generation::EndPrompt(size_t index, FinishReason reason) {
  PromptState& prompt = prompts_[index];
  if (prompt.ended) return;
  prompt.ended = true;
  const auto n = static_cast<size_t>(request_.n);
  for (size_t i = index * n; i < (index + 1) * n; ++i) EndOutput(outputs_[i], reason);
  if (prompt.has_token) {
    context_.metrics.PromptEnded(prompt.prompt_len, prompt.num_cached, prompt.longest_output);
  } else {
    place_.Leave(prompt.prompt_len);
  }
  if (++num_ended_ == prompts_.size()) Finish();
}

void Generation::Finish() {
  if (std::exchange(closed_, true)) return;
  place_ = QueuePlace();
  if (!request_.stream) {
    std::vector<OutputPiece> pieces;
    pieces.reserve(outputs_.size());
    for (OutputState& output : outputs_) pieces.push_back(std::move(output.piece));
    HttpResponse response = JsonResponse(format_->Whole(pieces, usage_));
    response.headers.emplace_back("Server-Timing", ServerTiming());
    return reply_->Send(std::move(response));
  }
  StartStreaming();
  std::string end;
  if (request_.include_usage) end = SseEvent(format_->UsageChunk(usage_));
  end += kSseDone;
  if (reply_->Write(std::move(end))) reply_->End();
}

void Generation::Fail(const ApiError& error) {
  if (std::exchange(closed_, true)) return;
  place_ = QueuePlace();  // before the client knows: it may come again at once
  CancelRequests();
  if (!streaming_) {
    reply_->Send(ErrorResponse(error));
  } else if (reply_->Write(SseEvent(ErrorJson(error)) + std::string(kSseDone))) {
    reply_->End();
  }
}

void Generation::StartStreaming() {
  if (std::exchange(streaming_, true)) return;
  HttpResponse head = {.status = 200, .content_type = "text/event-stream; charset=utf-8"};
  head.headers.emplace_back("Cache-Control", "no-cache");
  head.headers.emplace_back("X-Accel-Buffering", "no");  // or nginx collects events
  head.headers.emplace_back("Server-Timing", ServerTiming());
  reply_->StartStream(std::move(head));
}

void Generation::WriteEvent(std::string event) {
  if (closed_) return;
  last_write_us_ = SteadyUs();
  if (reply_->Write(std::move(event))) return;
  closed_ = true;
  Stop(StopCause::kClientGone);
}

// What is known when the head is sent: all phases of a whole reply, the first ones of a stream.
std::string Generation::ServerTiming() const {
  const auto by_first = [](const OutputState& a, const OutputState& b) {
    return a.times.first_us < b.times.first_us;
  };
  const OutputTimes& t = std::max_element(outputs_.begin(), outputs_.end(), by_first)->times;
  const int64_t submitted_us = t.submitted_us > 0 ? t.submitted_us : SteadyUs();
  std::string text = fmt::format("prepare;dur={:.1f}", Milliseconds(t.arrived_us, submitted_us));
  if (t.first_us == 0) return text;
  text += fmt::format(", queue;dur={:.1f}, prefill;dur={:.1f}",
                      Milliseconds(t.submitted_us, t.scheduled_us),
                      Milliseconds(t.scheduled_us, t.first_us));
  if (request_.stream) return text;
  int64_t last_us = 0;
  for (const OutputState& output : outputs_) last_us = std::max(last_us, output.times.last_us);
  return text + fmt::format(", decode;dur={:.1f}, total;dur={:.1f}",
                            Milliseconds(t.first_us, last_us), Milliseconds(t.arrived_us, last_us));
}

void Generation::ScheduleKeepAlive() {
  const int interval_ms = context_.options.sse_keep_alive_ms;
  if (interval_ms <= 0 || !request_.stream) return;
  context_.timer.CallAfter(interval_ms, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    MutexLock lock(self->mutex_);
    self->keep_alive_due_ = true;
    if (self->started_ && !self->scheduled_) self->Schedule();
  });
}

void Generation::KeepAlive() {
  if (closed_) return;
  const int64_t silent_us = SteadyUs() - last_write_us_;
  if (silent_us >= int64_t{1000} * context_.options.sse_keep_alive_ms) {
    StartStreaming();
    WriteEvent(": keep-alive\n\n");
  }
  ScheduleKeepAlive();
}

}  // namespace weir
