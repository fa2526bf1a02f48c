// SPDX-License-Identifier: Apache-2.0
//
// weir::Engine in this process: owns everything and runs EngineCore on one thread.
#ifndef WEIR_ENGINE_LOCAL_ENGINE_H_
#define WEIR_ENGINE_LOCAL_ENGINE_H_

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <weir/engine.h>

#include "base/thread_pool.h"
#include "engine/engine_core.h"
#include "model/model.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace weir {

// What an engine owns besides its core, constant while it runs.
struct Loaded {
  EngineInfo info;
  Tokenizer tokenizer;
  std::vector<TokenId> eos_ids;
  Result<ChatTemplate> chat_template;  // or why there is none
  std::unique_ptr<ThreadPool> pool;    // behind pointers: the core refers to both
  std::unique_ptr<Model> model;

  SequenceContext context() const {
    return {.tokenizer = tokenizer,
            .eos_ids = eos_ids,
            .vocab_size = info.vocab_size,
            .max_model_len = info.max_model_len};
  }
};

class LocalEngine final : public Engine {
 public:
  // `core` refers to the pool and the model of `loaded`. Warms up, which settles the budget of
  // steps, and starts the engine's thread.
  LocalEngine(Loaded loaded, EngineCoreParts core);
  ~LocalEngine() override;

  Result<RequestId> Submit(Request request) override;
  void Cancel(RequestId request) override { core_.inbox().Cancel(request); }

  std::vector<TokenId> Encode(std::string_view text) const override {
    return loaded_.tokenizer.Encode(text);
  }
  std::string Decode(const std::vector<TokenId>& tokens) const override {
    return loaded_.tokenizer.Decode(tokens, /*skip_special=*/false);
  }
  std::string TokenBytes(TokenId token) const override {
    return std::string(loaded_.tokenizer.BytesOf(token));
  }
  const EngineInfo& info() const override { return loaded_.info; }
  Result<ChatPrompt> RenderChat(const ChatInput& input) const override;

  EngineStats Stats() const override { return core_.Stats(); }
  std::vector<StepRecord> Steps(int64_t first_step, int32_t max_records) const override {
    return core_.ledger().Steps(first_step, max_records);
  }
  std::vector<RowRecord> Rows(int64_t first_step, int32_t max_records) const override {
    return core_.ledger().Rows(first_step, max_records);
  }
  std::vector<RequestRecord> Requests(int32_t max_records) const override {
    return core_.ledger().Requests(max_records);
  }

  void ResetPrefixCache() override { core_.inbox().ResetPrefixCache(); }

 private:
  Status CheckPrompt(const std::vector<TokenId>& prompt) const;
  Status CheckOutputs(const Request& request) const;

  Loaded loaded_;
  const int32_t max_num_seqs_;
  // Any thread.
  std::atomic<RequestId> next_id_{1};
  // Engine thread only, except what says otherwise.
  EngineCore core_;
  std::thread thread_;
};

// A number that nobody can foresee.
uint64_t SystemRandom();

}  // namespace weir

#endif  // WEIR_ENGINE_LOCAL_ENGINE_H_
