// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_core.h"

#include <utility>

#include "engine/step_timer.h"

namespace weir {
namespace {

CostModel CostModelFor(const EngineCoreParts& parts) {
  const ModelConfig& config = parts.model.config();
  const AttnShape shape = AttnShapeOf(config, parts.kv.shape().dtype);
  return CostModel(PriorStepCost(config, shape, parts.attn.profile));
}

CaptureOptions CaptureOptionsFor(const EngineCoreParts& parts) {
  return {.mode = parts.graph_mode,
          .sizes = parts.capture_sizes,
          .batch = {.page_len = parts.kv.shape().page_len,
                    .max_rows = parts.scheduler.max_step_tokens,
                    .max_seqs = parts.scheduler.max_seqs,
                    .num_pages = parts.kv.num_pages()},
          .max_model_len = parts.model.max_position()};
}

}  // namespace

EngineCore::EngineCore(EngineCoreParts parts)
    : model_(parts.model),
      pool_(parts.pool),
      kv_(std::move(parts.kv)),
      arena_(std::move(parts.arena)),
      pages_({.num_pages = kv_.num_pages(),
              .page_len = kv_.shape().page_len,
              .prefix_caching = parts.prefix_caching,
              .secret = parts.prefix_secret}),
      scheduler_(parts.scheduler),
      cost_model_(CostModelFor(parts)),
      budget_(parts.itl_budget_ms),
      capture_(CaptureOptionsFor(parts), std::move(parts.attn.planner)),
      workspace_(std::move(parts.attn.workspace)),
      trace_(std::move(parts.trace)),
      ledger_({}, trace_.get()),
      recorder_(ledger_, parts.scheduler.max_seqs),
      heartbeat_us_(SteadyMicros()) {
  sampler_scratch_.reserve(static_cast<size_t>(pool_.num_threads()));
  for (int32_t i = 0; i < pool_.num_threads(); ++i) {
    sampler_scratch_.emplace_back(model_.config().vocab_size);
  }
  sampled_.reserve(parts.scheduler.max_seqs);
  Publish();
}

// Start reading Weir here.
bool EngineCore::Step() noexcept {
  StepTimer timer;
  TakeIn(inbox_.Drain(/*wait=*/false));  // Request  -> Sequence
  const StepPlan step = Plan();          // Sequence -> StepPlan
  if (step.empty()) return false;
  StepRecord& record = recorder_.Begin(step);
  timer.End(record.schedule_us);

  const PreparedStep prepared = capture_.Prepare(step);  // StepPlan -> batch, AttnPlan
  timer.End(record.plan_us);

  const Tensor logits = Forward(prepared);  // batch    -> logits
  timer.End(record.forward_us);

  Sample(step, logits);  // logits   -> tokens, text
  Finish(step, record);  // tokens   -> Delta
  timer.End(record.sample_us);

  recorder_.End(timer, prepared, cost_model_);  // step     -> records
  Publish();
  return true;
}

void EngineCore::Run() noexcept {
  const CallerPin pin(pool_);
  while (!stopping_) {
    if (Step()) continue;
    Publish();
    Beat(/*idle=*/true);
    TakeIn(inbox_.Drain(/*wait=*/true));
    Beat(/*idle=*/false);
  }
  Publish();
}

StepPlan EngineCore::Plan() {
  Beat(/*idle=*/false);
  return scheduler_.Next(pages_, {.model = &cost_model_, .budget = &budget_}, SteadyMicros());
}

Tensor EngineCore::Forward(const PreparedStep& prepared) {
  const Stream stream = {.pool = &pool_};
  return model_.Forward(prepared.batch, prepared.plan, workspace_, kv_, arena_, stream);
}

void EngineCore::TakeIn(Inbox::Content content) {
  for (auto& sequence : content.added) {
    if (sequence->index() == 0) {
      ledger_.AddRequest({.request = sequence->id(),
                          .label = sequence->request().label,
                          .arrived_us = sequence->state().arrived_us,
                          .num_prompt = sequence->num_prompt(),
                          .num_outputs = sequence->request().n});
    }
    scheduler_.Add(std::move(sequence));
  }
  scheduler_.Cancel(content.cancelled, pages_);
  if (content.reset_prefix_cache) pages_.ResetPrefixCache();
  if (!content.stop || stopping_) return;
  stopping_ = true;
  scheduler_.CancelAll(pages_);
}

// Sequences sample beside each other: each has its own random stream, so order does not matter.
void EngineCore::Sample(const StepPlan& step, const Tensor& logits) {
  sampled_.clear();
  for (const StepPart& part : step.parts) {
    if (part.wants_logits) sampled_.push_back(part.sequence);
  }
  const int64_t vocab = logits.shape[1];
  pool_.ForItems(static_cast<int64_t>(sampled_.size()), [&](int64_t i, int32_t worker) {
    const std::span<float> row(logits.as<float>() + i * vocab, static_cast<size_t>(vocab));
    sampled_[i]->Advance(row, sampler_scratch_[worker]);
  });
  arena_.Rewind();
}

void EngineCore::Finish(const StepPlan& step, StepRecord& record) {
  scheduler_.Commit(step, {.step = record.step, .time_us = SteadyMicros()}, pages_);
  record.num_waiting = scheduler_.num_waiting();
  record.num_free_pages = pages_.pool().num_free();
}

void EngineCore::Publish() {
  const SchedulerCounts& counts = scheduler_.counts();
  ledger_.Publish({.num_running = scheduler_.num_running(),
                   .num_waiting = scheduler_.num_waiting(),
                   .num_waiting_tokens = scheduler_.num_waiting_tokens(),
                   .num_pages = pages_.pool().num_pages(),
                   .num_free_pages = pages_.pool().num_free(),
                   .num_cached_pages = pages_.pool().num_kept(),
                   .cost_model_error = cost_model_.median_error(),
                   .cost_model_p90_error = cost_model_.p90_error(),
                   .prompt_tokens = counts.prompt_tokens,
                   .prompt_tokens_cached = counts.prompt_tokens_cached,
                   .prompt_tokens_recomputed = counts.recomputed_tokens,
                   .generation_tokens = counts.generation_tokens,
                   .prefix_cache_queries = pages_.counts().queries,
                   .prefix_cache_hits = pages_.counts().hits});
  Beat(/*idle=*/false);
}

void EngineCore::Beat(bool idle) {
  idle_.store(idle, std::memory_order_relaxed);
  heartbeat_us_.store(SteadyMicros(), std::memory_order_relaxed);
}

EngineStats EngineCore::Stats() const {
  EngineStats stats = ledger_.Stats();
  const Inbox::Waiting arriving = inbox_.waiting();
  stats.num_waiting += arriving.num_seqs;
  stats.num_waiting_tokens += arriving.num_tokens;
  stats.heartbeat_us = heartbeat_us_.load(std::memory_order_relaxed);
  stats.idle = idle_.load(std::memory_order_relaxed);
  return stats;
}

}  // namespace weir
