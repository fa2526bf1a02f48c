// SPDX-License-Identifier: Apache-2.0
//
// An engine without a model: a token is a byte, and the answers are written by the test. It keeps
// the contract of include/weir/engine.h, so that what is tested on it holds on a real one.
#ifndef WEIR_TESTS_SERVER_API_FAKE_ENGINE_H_
#define WEIR_TESTS_SERVER_API_FAKE_ENGINE_H_

#include <atomic>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <weir/engine.h>

#include "base/mutex.h"

namespace weir {

// Answers every request with `answer`, a byte per step and output, and then ends it with kStop;
// when max_tokens comes first, with kLength. Output i begins with the letter i of the answer where
// `rotate` is set. A chat is rendered as "<role>content" for every message, then "<assistant>".
class FakeEngine final : public Engine {
 public:
  static constexpr TokenId kVocabSize = 300;  // bytes, and some ids without text

  FakeEngine();
  ~FakeEngine() override;

  // What tests decide. Before requests come.
  std::string answer = "Hello, world";
  std::string chat_opening;   // follows "<assistant>"
  std::string fail_with;      // not empty: every request ends with this error
  int fail_after_tokens = 0;  // so many tokens before it does
  int num_cached_tokens = 0;  // told of every prompt
  bool has_chat_template = true;
  int refuse_after = 1 << 30;  // so many submissions succeed

  // While held no step runs; Step runs one.
  void Hold();
  void Release();
  void Step();

  // The requests that were submitted so far, without their callbacks; waits for `count` of them.
  std::vector<Request> WaitForRequests(size_t count);
  int num_active() const;
  int num_cancelled() const { return num_cancelled_; }
  int num_resets() const { return num_resets_; }
  void WaitUntilIdle();
  void SetStats(const EngineStats& stats);
  EngineInfo& mutable_info() { return info_; }  // before requests come

  Result<RequestId> Submit(Request request) override;
  void Cancel(RequestId request) override;
  std::vector<TokenId> Encode(std::string_view text) const override;
  std::string Decode(const std::vector<TokenId>& tokens) const override;
  std::string TokenBytes(TokenId token) const override;
  const EngineInfo& info() const override { return info_; }
  Result<ChatPrompt> RenderChat(const ChatInput& input) const override;
  EngineStats Stats() const override;
  std::vector<StepRecord> Steps(int64_t first_step, int32_t max_records) const override;
  std::vector<RowRecord> Rows(int64_t first_step, int32_t max_records) const override;
  std::vector<RequestRecord> Requests(int32_t max_records) const override;
  void ResetPrefixCache() override { ++num_resets_; }

 private:
  struct Output {
    size_t num_tokens = 0;
    bool ended = false;
    std::string undecoded;  // the beginning of a character
  };
  struct Active {
    Request request;
    std::vector<Output> outputs;
    int64_t scheduled_us = 0;
    bool cancelled = false;
  };

  void Run();
  void StepLocked() WEIR_REQUIRES(mutex_);
  void Advance(RequestId id, Active& active, size_t index, std::vector<Delta>& deltas) const;
  std::string WholeCharacters(Output& output, char next, bool end) const;

  EngineInfo info_;
  std::atomic<int> num_cancelled_{0};
  std::atomic<int> num_resets_{0};
  mutable Mutex mutex_;
  mutable CondVar changed_;
  std::map<RequestId, Active> active_ WEIR_GUARDED_BY(mutex_);
  std::vector<Request> submitted_ WEIR_GUARDED_BY(mutex_);
  std::vector<StepRecord> steps_ WEIR_GUARDED_BY(mutex_);
  std::optional<EngineStats> stats_ WEIR_GUARDED_BY(mutex_);
  RequestId next_id_ WEIR_GUARDED_BY(mutex_) = 1;
  int64_t generation_tokens_ WEIR_GUARDED_BY(mutex_) = 0;
  int64_t prompt_tokens_ WEIR_GUARDED_BY(mutex_) = 0;
  bool held_ WEIR_GUARDED_BY(mutex_) = false;
  bool stepping_ WEIR_GUARDED_BY(mutex_) = false;
  bool stopping_ WEIR_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace weir

#endif  // WEIR_TESTS_SERVER_API_FAKE_ENGINE_H_
