// SPDX-License-Identifier: Apache-2.0
//
// One request for text from the time it is taken to the end of its reply: hands its prompts to the
// engine, makes JSON of what comes back, and lets go of the engine when nobody listens any more.
//
// Threads: the engine thread only puts deltas into a mailbox; they are written out on the stream
// executor, one task per generation at a time.
#ifndef WEIR_SERVER_API_GENERATION_H_
#define WEIR_SERVER_API_GENERATION_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/engine.h>

#include "base/mutex.h"
#include "server/api/admission.h"
#include "server/api/executor.h"
#include "server/api/generation_registry.h"
#include "server/api/generation_request.h"
#include "server/api/output_state.h"
#include "server/api/prompt_builder.h"
#include "server/api/reply_format.h"
#include "server/api/timer.h"
#include "server/http.h"
#include "server/metrics/generation_metrics.h"

namespace weir {

// What generations share. All of it outlives them.
struct GenerationContext {
  Engine& engine;
  const ApiOptions& options;
  const PromptBuilder& prompts;
  GenerationMetrics& metrics;
  Executor& stream_executor;
  Timer& timer;
  GenerationRegistry& registry;
  std::string id_nonce;  // tells ids of this process from those of others
};

// Who asked.
struct Caller {
  std::string tenant;
  std::string label;  // X-Request-Id: the caller's own name, not unique
  int64_t arrived_us = 0;
};

class Generation : public std::enable_shared_from_this<Generation> {
 public:
  // Registers itself. The reply's OnGone is taken.
  static std::shared_ptr<Generation> Create(const GenerationContext& context, Caller caller,
                                            std::shared_ptr<HttpReply> reply, QueuePlace place);
  ~Generation();

  // Once, on any thread. Either the request is submitted or the client is told why not.
  void Start(GenerationRequest request, std::vector<Prompt> prompts);

  // Instead of Start. TurnAway leaves it to the caller to count the refusal.
  void Refuse(const ApiError& error);
  void TurnAway(const ApiError& error) { Fail(error); }

  // Any thread. Ends it in whatever state it is; the first cause counts.
  void Stop(StopCause cause);

  const Caller& caller() const { return caller_; }
  // The id of the reply; empty before it has one.
  std::string id() const;
  QueuePlace& place() { return place_; }
  bool stopped() const { return cause() != StopCause::kNone; }

 private:
  struct Arrival {
    size_t prompt;
    Delta delta;
  };

  Generation(const GenerationContext& context, Caller caller, std::shared_ptr<HttpReply> reply,
             QueuePlace place);

  // Start.
  void SetUp(const std::vector<Prompt>& prompts);
  Result<RequestId> Submit(size_t prompt, std::vector<TokenId> tokens);
  void AnswerEcho();
  ReplyFacts Facts(const std::vector<Prompt>& prompts, std::string id) const;
  void OpenMailbox();
  void CancelRequests();

  // Engine thread.
  void Deliver(size_t prompt, const Delta& delta);

  // Stream executor.
  void Schedule() WEIR_REQUIRES(mutex_);
  void Drain();
  void Take(const Arrival& arrival);
  void Measure(const Arrival& arrival, PromptState& prompt, OutputState& output);
  void Emit(OutputState& output, const Delta& delta);
  void AddText(OutputState& output, const Delta& delta);
  void EndOutput(OutputState& output, FinishReason reason);
  void EndPrompt(size_t prompt, FinishReason reason);
  void Finish();
  void Fail(const ApiError& error);
  void StartStreaming();
  void WriteEvent(std::string event);
  void ScheduleKeepAlive();
  void KeepAlive();
  std::string ServerTiming() const;
  StopCause cause() const;

  const GenerationContext& context_;
  const Caller caller_;
  std::shared_ptr<HttpReply> reply_;  // given up by the destructor only
  GenerationRequest request_;         // constant once started

  // Before it is started the preparing thread only, then the stream executor only.
  QueuePlace place_;
  std::optional<ReplyFormat> format_;
  std::vector<PromptState> prompts_;
  std::vector<OutputState> outputs_;  // prompts times n
  Usage usage_;
  size_t num_ended_ = 0;    // prompts
  bool streaming_ = false;  // the head has been sent
  bool closed_ = false;     // the reply is complete, or nobody reads it
  int64_t last_write_us_ = 0;

  mutable Mutex mutex_;
  std::string id_ WEIR_GUARDED_BY(mutex_);
  std::vector<RequestId> requests_ WEIR_GUARDED_BY(mutex_);
  std::vector<Arrival> mailbox_ WEIR_GUARDED_BY(mutex_);
  StopCause cause_ WEIR_GUARDED_BY(mutex_) = StopCause::kNone;
  bool started_ WEIR_GUARDED_BY(mutex_) = false;    // deltas may be looked at
  bool scheduled_ WEIR_GUARDED_BY(mutex_) = false;  // a Drain is posted or runs
  bool keep_alive_due_ WEIR_GUARDED_BY(mutex_) = false;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_GENERATION_H_
