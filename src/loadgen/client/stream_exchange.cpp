// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/stream_exchange.h"

#include <algorithm>
#include <fmt/format.h>

#include "loadgen/client/stream_event.h"

namespace weir::loadgen {
namespace {

constexpr size_t kShownBody = 4096;  // enough for the JSON of an error
constexpr size_t kShownText = 300;

// For one line of a message.
std::string Shown(std::string_view text) {
  std::string shown;
  for (const char c : text.substr(0, kShownText)) {
    shown += static_cast<unsigned char>(c) >= ' ' ? c : ' ';
  }
  while (shown.ends_with(' ')) shown.pop_back();
  return shown;
}

}  // namespace

StreamExchange::StreamExchange(double start_s, double queue_s, int64_t prompt_tokens)
    : last_chunk_s_(start_s), last_read_s_(start_s) {
  outcome_.start_s = start_s;
  outcome_.queue_s = queue_s;
  outcome_.prompt_tokens = prompt_tokens;
}

void StreamExchange::OnBytes(double now_s, std::string_view bytes) {
  has_answer_ = true;
  last_read_s_ = now_s;
  body_.clear();
  const Result<size_t> taken = response_.Feed(bytes, body_);
  if (response_.head_complete()) outcome_.http_status = response_.status();
  body_start_ += body_.substr(0, kShownBody - std::min(kShownBody, body_start_.size()));
  if (outcome_.http_status == 200) {
    const Status fed = events_.Feed(body_, [&](std::string_view data) { TakeEvent(now_s, data); });
    if (!fed) return Fail(fed.error().message);
  }
  if (!taken) return Fail(taken.error().message);
  if (!response_.complete()) return;
  // Bytes after the answer belong to nothing that was asked.
  reusable_ = response_.keep_alive() && *taken == bytes.size();
  events_.Finish([&](std::string_view data) { TakeEvent(now_s, data); });
  EndBody();
}

void StreamExchange::OnEnd(std::string_view error) {
  if (ended_) return;
  const Status complete = error.empty() ? response_.End() : Ok();
  if (outcome_.saw_done || (error.empty() && complete)) {
    events_.Finish([&](std::string_view data) { TakeEvent(last_read_s_, data); });
    return EndBody();
  }
  Fail(error.empty() ? std::string_view(complete.error().message) : error);
}

void StreamExchange::Fail(std::string_view error) {
  if (ended_) return;
  reusable_ = false;
  EndAsFailure(error);
}

void StreamExchange::EndAsFailure(std::string_view error) {
  ended_ = true;
  outcome_.state = RequestState::kFailed;
  outcome_.error = error;
  outcome_.latency_s = last_chunk_s_ - outcome_.start_s;
}

void StreamExchange::TakeEvent(double now_s, std::string_view data) {
  if (data == "[DONE]") {
    outcome_.saw_done = true;
    done_at_s_ = now_s;
    return;
  }
  if (data.empty() || !stream_error_.empty()) return;
  const Result<StreamEvent> event = ReadStreamEvent(data);
  if (!event) {
    stream_error_ = event.error().message + ": " + Shown(data);
    return;
  }
  if (event->error) stream_error_ = "the stream reports an error: " + Shown(*event->error);
  if (event->output_tokens) outcome_.output_tokens = event->output_tokens;
  if (event->prompt_tokens) outcome_.prompt_tokens = *event->prompt_tokens;
  if (event->has_choices && !event->error) TakeChunk(now_s, event->text);
}

void StreamExchange::TakeChunk(double now_s, std::string_view text) {
  if (!has_chunk_) {
    outcome_.ttft_s = now_s - outcome_.start_s;
  } else {
    outcome_.itls_s.push_back(now_s - last_chunk_s_);
  }
  has_chunk_ = true;
  last_chunk_s_ = now_s;
  outcome_.text += text;
  if (!text.empty() && !outcome_.text_at_s) outcome_.text_at_s = now_s - outcome_.start_s;
}

void StreamExchange::EndBody() {
  if (outcome_.http_status != 200) return EndAsFailure(StatusError());
  if (!stream_error_.empty()) return EndAsFailure(stream_error_);
  if (!has_chunk_) {
    return EndAsFailure(
        fmt::format("the answer has no chunk with choices, so there is no first token: {}",
                    Shown(body_start_)));
  }
  ended_ = true;
  outcome_.state = RequestState::kCompleted;
  outcome_.latency_s = last_chunk_s_ - outcome_.start_s;
}

std::string StreamExchange::StatusError() const {
  const Result<StreamEvent> answer = ReadStreamEvent(body_start_);
  const bool told = answer && answer->error;
  return fmt::format("HTTP {} {}{}{}", outcome_.http_status, response_.reason(),
                     body_start_.empty() ? "" : ": ",
                     Shown(told ? std::string_view(*answer->error) : body_start_));
}

}  // namespace weir::loadgen
