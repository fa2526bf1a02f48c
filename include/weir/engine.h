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
  virtual const EngineInfo& info() const = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_H_
