// SPDX-License-Identifier: Apache-2.0
//
// The engine itself: everything that one step of continuous batching needs, and the step. All of it
// belongs to the engine thread, except the inbox.
#ifndef WEIR_ENGINE_ENGINE_CORE_H_
#define WEIR_ENGINE_ENGINE_CORE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/thread_pool.h"
#include "engine/attention_setup.h"
#include "engine/batch_builder.h"
#include "engine/inbox.h"
#include "engine/scheduler.h"
#include "kv/kv_store.h"
#include "kv/page_pool.h"
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
};

class EngineCore {
 public:
  explicit EngineCore(EngineCoreParts parts);

  // One step of continuous batching. Returns false when there was nothing to do.
  bool Step() noexcept;

  // Steps until the inbox says stop, sleeping while there is nothing to do; then cancels the rest.
  void Run() noexcept;

  Inbox& inbox() { return inbox_; }
  int32_t num_free_pages() const { return pages_.num_free(); }

 private:
  AttnPlan PlanAttention(const ForwardBatch& batch);
  void TakeIn(Inbox::Content content);
  void Sample(const StepPlan& step, const Tensor& logits);

  const Model& model_;
  ThreadPool& pool_;
  KvStore kv_;
  Arena arena_;
  PagePool pages_;
  Inbox inbox_;
  Scheduler scheduler_;
  BatchBuilder builder_;
  AttnParts attn_;
  std::vector<SamplerScratch> sampler_scratch_;  // by worker
  std::vector<Sequence*> sampled_;               // whose logits a step computes, in row order
  bool stopping_ = false;
};

}  // namespace weir

#endif  // WEIR_ENGINE_ENGINE_CORE_H_
