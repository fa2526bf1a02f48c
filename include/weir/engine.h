// SPDX-License-Identifier: Apache-2.0
//
// The engine as its users see it: open a model, submit requests from any thread, receive deltas.
#ifndef WEIR_ENGINE_H_
#define WEIR_ENGINE_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weir/options.h>
#include <weir/request.h>
#include <weir/result.h>
#include <weir/stats.h>

namespace weir {

// What was decided while opening, for people and for logs.
struct EngineInfo {
  std::string model_name;
  std::string architecture;
  std::string kernels;  // the table in use
  int32_t num_threads;
  int32_t vocab_size;
  int32_t max_model_len;    // tokens
  int64_t kv_cache_tokens;  // capacity of the KV cache
  int64_t kv_cache_bytes;
  int64_t weight_bytes;
  std::string attn_policy;
  std::string kv_cache_dtype;
  int32_t page_len;  // tokens per KV page
  bool prefix_caching;
  std::string graph_mode;  // "none" or "full-decode-only"
  double itl_budget_ms;    // what steps are filled up to; chosen at start-up or asked for
  bool has_chat_template;
  SamplingParams default_sampling;  // of generation_config.json, for what a request leaves open
};

// What a chat template sees, and the prompt that it makes of it.
struct ChatInput {
  std::string variables;  // a JSON object: "messages", "add_generation_prompt", and whatever else
                          // the template may read, e.g. "enable_thinking"
  bool allow_special_tokens_in_content = false;  // let message text become control tokens
};
struct ChatPrompt {
  std::string text;
  std::vector<TokenId> tokens;
};

class Engine {
 public:
  // Loads the model and starts the engine's thread.
  static Result<std::unique_ptr<Engine>> Open(const EngineOptions& options);

  // Cancels what still runs and joins the engine's thread.
  virtual ~Engine() = default;

  // Any thread. A wrong request is refused here and has no effect. Otherwise on_delta is called
  // until one delta has `finish` set.
  virtual Result<RequestId> Submit(Request request) = 0;

  // Any thread. The request ends with FinishReason::kCancel as soon as the step in progress is
  // done; an id that has ended already, or never was, is ignored.
  virtual void Cancel(RequestId request) = 0;

  // Any thread.
  virtual std::vector<TokenId> Encode(std::string_view text) const = 0;
  virtual std::string Decode(const std::vector<TokenId>& tokens) const = 0;
  // The bytes of one token, which need not be whole characters. The default is its text.
  virtual std::string TokenBytes(TokenId token) const { return Decode({token}); }
  virtual const EngineInfo& info() const = 0;

  // Any thread. A wrong conversation, or none that this model's template takes, is kInvalidRequest;
  // a model without a template is kUnsupported.
  virtual Result<ChatPrompt> RenderChat(const ChatInput& input) const = 0;

  // Any thread; never waits for a step. What Steps and Rows return is in ascending order of step,
  // from `first_step` on, as far as the ring still holds it, at most `max_records`.
  virtual EngineStats Stats() const = 0;
  virtual std::vector<StepRecord> Steps(int64_t first_step, int32_t max_records) const = 0;
  virtual std::vector<RowRecord> Rows(int64_t first_step, int32_t max_records) const = 0;
  // The most recent requests, at most `max_records`, in order of arrival.
  virtual std::vector<RequestRecord> Requests(int32_t max_records) const = 0;

  // Any thread. Forgets every cached prefix that no running request uses.
  virtual void ResetPrefixCache() = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_H_
