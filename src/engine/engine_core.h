// SPDX-License-Identifier: Apache-2.0
//
// The engine itself: everything that one step of continuous batching needs, and the step. All of it
// belongs to the engine thread, except the inbox and what Stats() and the ledger tell.
#ifndef WEIR_ENGINE_ENGINE_CORE_H_
#define WEIR_ENGINE_ENGINE_CORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/attention_setup.h"
#include "engine/cost_model.h"
#include "engine/decode_capture.h"
#include "engine/inbox.h"
#include "engine/page_keeper.h"
#include "engine/scheduler.h"
#include "engine/step_budget.h"
#include "engine/step_ledger.h"
#include "engine/step_recorder.h"
#include "engine/trace_writer.h"
#include "kv/kv_store.h"
#include "model/model.h"
#include "tensor/arena.h"

namespace weir {

struct EngineCoreParts {
  const Model& model;
  ThreadPool& pool;
  KvStore kv;
  Arena arena;  // at least ArenaBytes(config, max_step_tokens, max_seqs)
  SchedulerOptions scheduler;
  AttnParts attn;  // for the model, and limits at least max_step_tokens and max_seqs
  bool prefix_caching = true;
  SipKey prefix_secret = {};
  GraphMode graph_mode = GraphMode::kFullDecodeOnly;
  std::vector<int32_t> capture_sizes = {};  // ascending
  double itl_budget_ms = 0;                 // 0: by the rule of step_budget.h
  std::unique_ptr<TraceWriter> trace = {};  // may be null
};

class EngineCore {
 public:
  explicit EngineCore(EngineCoreParts parts);

  // Before the first step: runs a few steps of made-up content, so that memory has been touched and
  // the cost model has measured something. The result is how long a reference decode step takes.
  double WarmUp(const SequenceContext& context);

  // One step of continuous batching. Returns false when there was nothing to do.
  bool Step() noexcept;

  // Steps until the inbox says stop, sleeping while there is nothing to do; then cancels the rest.
  void Run() noexcept;

  // Any thread.
  Inbox& inbox() { return inbox_; }
  const StepLedger& ledger() const { return ledger_; }
  EngineStats Stats() const;

  // What steps with a reference load of decodes are filled up to, as the cost model stands.
  double ReferenceBudgetMs() const { return budget_.ReferenceMs(cost_model_.cost()); }

 private:
  StepPlan Plan();
  void TakeIn(Inbox::Content content);
  Tensor Forward(const PreparedStep& prepared);
  void Sample(const StepPlan& step, const Tensor& logits);
  void Finish(const StepPlan& step, StepRecord& record);
  void Publish();
  void Beat(bool idle);
  void RunMadeUp(std::span<const StepPart> parts, bool observe);

  const Model& model_;
  ThreadPool& pool_;
  KvStore kv_;
  Arena arena_;
  PageKeeper pages_;
  Inbox inbox_;
  Scheduler scheduler_;
  CostModel cost_model_;
  StepBudget budget_;
  DecodeCapture capture_;
  AttnWorkspace workspace_;
  std::unique_ptr<TraceWriter> trace_;
  StepLedger ledger_;
  StepRecorder recorder_;
  std::vector<SamplerScratch> sampler_scratch_;  // by worker
  std::vector<Sequence*> sampled_;               // whose logits a step computes, in row order
  bool stopping_ = false;
  // Written by the engine thread, read by any.
  std::atomic<int64_t> heartbeat_us_;
  std::atomic<bool> idle_{true};
};

}  // namespace weir

#endif  // WEIR_ENGINE_ENGINE_CORE_H_
