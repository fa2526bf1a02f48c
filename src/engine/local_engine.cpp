// SPDX-License-Identifier: Apache-2.0
#include "engine/local_engine.h"

#include <random>
#include <utility>

#include "base/error.h"
#include "base/log.h"
#include "engine/engine_options.h"
#include "engine/step_timer.h"

namespace weir {

uint64_t SystemRandom() {
  std::random_device device;
  return (uint64_t{device()} << 32) | device();
}

LocalEngine::LocalEngine(Loaded loaded, EngineCoreParts core)
    : loaded_(std::move(loaded)), max_num_seqs_(core.scheduler.max_seqs), core_(std::move(core)) {
  const double decode_us = core_.WarmUp(loaded_.context());
  loaded_.info.itl_budget_ms = core_.ReferenceBudgetMs();
  WEIR_LOG(INFO, "steps budgeted", "itl_budget_ms",
           fmt::format("{:.1f}", loaded_.info.itl_budget_ms), "decode_step_ms",
           fmt::format("{:.2f}", decode_us / 1e3), "graph_mode", loaded_.info.graph_mode,
           "prefix_caching", loaded_.info.prefix_caching);
  thread_ = std::thread([this] { core_.Run(); });
}

LocalEngine::~LocalEngine() {
  core_.inbox().Stop();
  thread_.join();
}

Result<RequestId> LocalEngine::Submit(Request request) {
  WEIR_RETURN_IF_ERROR(CheckPrompt(request.prompt));
  WEIR_RETURN_IF_ERROR(CheckOutputs(request));
  WEIR_RETURN_IF_ERROR(ValidateSampling(request.sampling, loaded_.info.vocab_size));
  const RequestId id = next_id_.fetch_add(1, std::memory_order_relaxed);
  const uint64_t seed = request.sampling.seed ? *request.sampling.seed : SystemRandom();
  auto outputs = MakeSequences(id, std::move(request), seed, SteadyMicros(), loaded_.context());
  if (core_.inbox().Add(std::move(outputs))) return id;
  return Err(Code::kUnavailable, "engine: shutting down, no request is taken any more");
}

// No longer than the KV cache, too: max_model_len is at most what that holds.
Status LocalEngine::CheckPrompt(const std::vector<TokenId>& prompt) const {
  const EngineInfo& info = loaded_.info;
  if (prompt.empty()) return Err(Code::kInvalidRequest, "prompt: empty, wanted a token or more");
  const auto length = static_cast<int64_t>(prompt.size());
  if (length >= info.max_model_len) {
    return Err(Code::kInvalidRequest, "prompt: ", length, " tokens, wanted at most ",
               info.max_model_len - 1, " so that one can be generated within max_model_len ",
               info.max_model_len, " (the KV cache holds ", info.kv_cache_tokens, " tokens)");
  }
  for (size_t i = 0; i < prompt.size(); ++i) {
    if (prompt[i] >= 0 && prompt[i] < info.vocab_size) continue;
    return Err(Code::kInvalidRequest, "prompt: token ", i, " is ", prompt[i],
               ", wanted an id from 0 to ", info.vocab_size - 1);
  }
  return Ok();
}

// All outputs of a request are to be able to run at once: who asks for several compares them.
Status LocalEngine::CheckOutputs(const Request& request) const {
  if (request.n >= 1 && request.n <= max_num_seqs_) return Ok();
  return Err(Code::kInvalidRequest, "n: found ", request.n, ", wanted 1 to ", max_num_seqs_,
             ", as many as run at once (max_num_seqs)");
}

Result<ChatPrompt> LocalEngine::RenderChat(const ChatInput& input) const {
  if (!loaded_.chat_template) return tl::unexpected(loaded_.chat_template.error());
  WEIR_ASSIGN_OR_RETURN(TypedText prompt,
                        loaded_.chat_template->Render(std::string_view(input.variables)));
  auto tokens = input.allow_special_tokens_in_content ? loaded_.tokenizer.Encode(prompt.text)
                                                      : loaded_.tokenizer.Encode(prompt);
  return ChatPrompt{.text = std::move(prompt.text), .tokens = std::move(tokens)};
}

}  // namespace weir
