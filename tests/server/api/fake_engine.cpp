// SPDX-License-Identifier: Apache-2.0
#include "server/api/fake_engine.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "server/api/steady_clock.h"

namespace weir {
namespace {

// Bytes that the character at the beginning of `text` wants; 1 for what begins none.
size_t CharacterBytes(unsigned char first) {
  if (first >= 0xF0 && first < 0xF8) return 4;
  if (first >= 0xE0 && first < 0xF0) return 3;
  if (first >= 0xC0 && first < 0xE0) return 2;
  return 1;
}

}  // namespace

FakeEngine::FakeEngine() {
  info_ = {.model_name = "fake",
           .architecture = "none",
           .kernels = "none",
           .num_threads = 1,
           .vocab_size = kVocabSize,
           .max_model_len = 1000,
           .kv_cache_tokens = 16000,
           .kv_cache_bytes = 1,
           .weight_bytes = 1,
           .attn_policy = "weir",
           .kv_cache_dtype = "bf16",
           .page_len = 16,
           .prefix_caching = true,
           .graph_mode = "none",
           .itl_budget_ms = 50,
           .has_chat_template = true};
  thread_ = std::thread([this] { Run(); });
}

FakeEngine::~FakeEngine() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    changed_.NotifyAll();
  }
  thread_.join();
}

void FakeEngine::Hold() {
  MutexLock lock(mutex_);
  held_ = true;
  while (stepping_) changed_.Wait(mutex_);
}

void FakeEngine::Release() {
  MutexLock lock(mutex_);
  held_ = false;
  changed_.NotifyAll();
}

std::vector<Request> FakeEngine::WaitForRequests(size_t count) {
  MutexLock lock(mutex_);
  while (submitted_.size() < count) changed_.Wait(mutex_);
  return submitted_;
}

int FakeEngine::num_active() const {
  MutexLock lock(mutex_);
  return static_cast<int>(active_.size());
}

void FakeEngine::WaitUntilIdle() {
  MutexLock lock(mutex_);
  while (!active_.empty() || stepping_) changed_.Wait(mutex_);
}

void FakeEngine::SetStats(const EngineStats& stats) {
  MutexLock lock(mutex_);
  stats_ = stats;
}

Result<RequestId> FakeEngine::Submit(Request request) {
  MutexLock lock(mutex_);
  if (static_cast<int>(submitted_.size()) >= refuse_after) {
    return Err(Code::kUnavailable, "engine: shutting down");
  }
  Request copy = request;
  copy.on_delta = nullptr;
  submitted_.push_back(std::move(copy));
  const RequestId id = next_id_++;
  const auto n = static_cast<size_t>(request.n);
  prompt_tokens_ += static_cast<int64_t>(request.prompt.size());
  active_[id] = {.request = std::move(request), .outputs = std::vector<Output>(n)};
  changed_.NotifyAll();
  return id;
}

void FakeEngine::Cancel(RequestId request) {
  MutexLock lock(mutex_);
  const auto found = active_.find(request);
  if (found == active_.end()) return;
  if (!std::exchange(found->second.cancelled, true)) ++num_cancelled_;
  changed_.NotifyAll();
}

std::string FakeEngine::WholeCharacters(Output& output, char next, bool end) const {
  output.undecoded += next;
  const auto first = static_cast<unsigned char>(output.undecoded[0]);
  if (output.undecoded.size() < CharacterBytes(first) && !end) return "";
  return std::exchange(output.undecoded, "");
}

void FakeEngine::Advance(RequestId id, Active& active, size_t index,
                         std::vector<Delta>& deltas) const {
  Output& output = active.outputs[index];
  const SamplingParams& sampling = active.request.sampling;
  Delta delta = {.request = id, .index = static_cast<int32_t>(index)};
  delta.time_us = SteadyUs();
  delta.scheduled_us = active.scheduled_us;
  delta.num_cached_tokens = num_cached_tokens;
  if (active.cancelled) {
    delta.finish = FinishReason::kCancel;
  } else if (!fail_with.empty() && static_cast<int>(output.num_tokens) >= fail_after_tokens) {
    delta.finish = FinishReason::kError;
    delta.error = fail_with;
  } else {
    const char next = answer[output.num_tokens % answer.size()];
    OutputToken token = {.token = static_cast<unsigned char>(next), .logprob = -0.5f};
    for (int k = 0; k < sampling.num_logprobs; ++k) {
      token.top.push_back({.token = static_cast<TokenId>('a' + k), .logprob = -0.5f - k});
    }
    delta.tokens.push_back(std::move(token));
    ++output.num_tokens;
    const bool longest = output.num_tokens >= static_cast<size_t>(sampling.max_tokens);
    const bool stops = output.num_tokens == answer.size() && !sampling.ignore_eos;
    delta.text = WholeCharacters(output, next, longest || stops);
    if (stops) {
      delta.finish = FinishReason::kStop;
    } else if (longest) {
      delta.finish = FinishReason::kLength;
    }
  }
  output.ended = delta.finish != FinishReason::kNone;
  delta.last = std::all_of(active.outputs.begin(), active.outputs.end(),
                           [](const Output& o) { return o.ended; });
  deltas.push_back(std::move(delta));
}

void FakeEngine::Step() {
  MutexLock lock(mutex_);
  StepLocked();
}

// Callbacks run without the lock, as an engine's do.
void FakeEngine::StepLocked() {
  stepping_ = true;
  std::vector<std::pair<std::function<void(const Delta&)>, std::vector<Delta>>> calls;
  const int64_t now_us = SteadyUs();
  for (auto it = active_.begin(); it != active_.end();) {
    Active& active = it->second;
    if (active.scheduled_us == 0) active.scheduled_us = now_us;
    std::vector<Delta> deltas;
    for (size_t i = 0; i < active.outputs.size(); ++i) {
      if (!active.outputs[i].ended) Advance(it->first, active, i, deltas);
    }
    const bool last = deltas.back().last;
    for (const Delta& delta : deltas)
      generation_tokens_ += static_cast<int64_t>(delta.tokens.size());
    calls.emplace_back(last ? std::move(active.request.on_delta) : active.request.on_delta,
                       std::move(deltas));
    it = last ? active_.erase(it) : std::next(it);
  }
  StepRecord record = {.step = static_cast<int64_t>(steps_.size()) + 1, .begin_us = now_us};
  record.num_seqs[0] = static_cast<int32_t>(calls.size());
  record.num_tokens[0] = static_cast<int32_t>(calls.size());
  steps_.push_back(record);
  mutex_.Unlock();
  for (const auto& [on_delta, deltas] : calls) {
    for (const Delta& delta : deltas) on_delta(delta);
  }
  calls.clear();
  mutex_.Lock();
  stepping_ = false;
  changed_.NotifyAll();
}

void FakeEngine::Run() {
  MutexLock lock(mutex_);
  while (!stopping_) {
    if (active_.empty() || held_) {
      changed_.Wait(mutex_);
    } else {
      StepLocked();
    }
  }
}

std::vector<TokenId> FakeEngine::Encode(std::string_view text) const {
  std::vector<TokenId> tokens;
  for (const char c : text) tokens.push_back(static_cast<unsigned char>(c));
  return tokens;
}

std::string FakeEngine::Decode(const std::vector<TokenId>& tokens) const {
  std::string text;
  for (const TokenId token : tokens) {
    if (token < 256) text += static_cast<char>(token);
  }
  // Broken characters become U+FFFD, as DumpJson does it.
  return Json::parse(DumpJson(Json(text)), nullptr, false).get<std::string>();
}

std::string FakeEngine::TokenBytes(TokenId token) const {
  return token < 256 ? std::string(1, static_cast<char>(token)) : "";
}

Result<ChatPrompt> FakeEngine::RenderChat(const ChatInput& input) const {
  if (!has_chat_template) return Err(Code::kUnsupported, "chat template: this model has none");
  const Json variables = Json::parse(input.variables, nullptr, false);
  ChatPrompt prompt;
  for (const Json& message : variables["messages"]) {
    if (message["content"] == "raise") {
      return Err(Code::kInvalidRequest, "chat template: conversation must not raise");
    }
    prompt.text += "<" + message["role"].get<std::string>() + ">";
    prompt.text += message["content"].get<std::string>();
  }
  if (variables["add_generation_prompt"] == true) prompt.text += "<assistant>" + chat_opening;
  if (variables.value("enable_thinking", true) == false) prompt.text += "<think></think>";
  prompt.tokens = Encode(prompt.text);
  return prompt;
}

EngineStats FakeEngine::Stats() const {
  MutexLock lock(mutex_);
  if (stats_) return *stats_;
  EngineStats stats = {};
  stats.num_running = static_cast<int32_t>(active_.size());
  stats.num_pages = 1000;
  stats.num_free_pages = 900;
  stats.heartbeat_us = SteadyUs();
  stats.idle = active_.empty();
  stats.num_steps = static_cast<int64_t>(steps_.size());
  stats.prompt_tokens = prompt_tokens_;
  stats.generation_tokens = generation_tokens_;
  return stats;
}

std::vector<StepRecord> FakeEngine::Steps(int64_t first_step, int32_t max_records) const {
  MutexLock lock(mutex_);
  std::vector<StepRecord> result;
  for (const StepRecord& step : steps_) {
    if (step.step >= first_step && static_cast<int32_t>(result.size()) < max_records) {
      result.push_back(step);
    }
  }
  return result;
}

std::vector<RowRecord> FakeEngine::Rows(int64_t, int32_t) const { return {}; }
std::vector<RequestRecord> FakeEngine::Requests(int32_t) const { return {}; }

}  // namespace weir
