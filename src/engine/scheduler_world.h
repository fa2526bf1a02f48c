// SPDX-License-Identifier: Apache-2.0
//
// For tests: a scheduler with its pages and a make-believe model. "Keys and values" of a token are
// a number made of it and of all tokens before it; they are written where the step says, and every
// step must find those of each sequence in its pages. After each step everything that must always
// hold is checked.
#ifndef WEIR_ENGINE_SCHEDULER_WORLD_H_
#define WEIR_ENGINE_SCHEDULER_WORLD_H_

#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/scheduler.h"
#include "engine/test_tokenizer.h"

namespace weir {

struct WorldOptions {
  PageKeeperOptions pages;
  SchedulerOptions scheduler;
  StepPacing pacing = {};
  int32_t vocab_size = 8;
  int32_t max_model_len = 1 << 20;
  // The next token of a sequence. It must depend on the sequence's own tokens only.
  std::function<TokenId(const Sequence&)> choose = [](const Sequence&) { return 0; };
};

// What a caller has seen of one output.
struct SeenOutput {
  std::vector<TokenId> tokens;
  FinishReason finish = FinishReason::kNone;
  int32_t num_cached_tokens = 0;
};

class SchedulerWorld {
 public:
  explicit SchedulerWorld(WorldOptions options)
      : options_(std::move(options)),
        scheduler_(options_.scheduler),
        pages_(options_.pages),
        kv_(static_cast<size_t>(options_.pages.num_pages) * options_.pages.page_len),
        scratch_(options_.vocab_size),
        logits_(static_cast<size_t>(options_.vocab_size)) {}

  void Add(RequestId id, Request request) {
    request.sampling.temperature = 0;
    const int32_t n = request.n;
    for (int32_t i = 0; i < n; ++i) outputs_[{id, i}] = {};
    request.on_delta = [this, id](const Delta& delta) { Take(id, delta); };
    const SequenceContext context = {.tokenizer = tokenizer_,
                                     .eos_ids = {},
                                     .vocab_size = options_.vocab_size,
                                     .max_model_len = options_.max_model_len};
    for (auto& sequence : MakeSequences(id, std::move(request), 0, 0, context)) {
      scheduler_.Add(std::move(sequence));
    }
  }

  void Cancel(const std::vector<RequestId>& ids) {
    scheduler_.Cancel(ids, pages_);
    Check();
  }

  // Plans, computes and commits a step. `look` sees the plan before it is computed.
  template <class Look>
  bool Step(Look look) {
    const StepPlan step = scheduler_.Next(pages_, options_.pacing, /*now_us=*/step_ + 1);
    look(step);
    if (step.empty()) return false;
    CheckPlan(step);
    for (const StepPart& part : step.parts) Compute(part);
    scheduler_.Commit(step, {.step = ++step_, .time_us = step_}, pages_);
    Check();
    return true;
  }

  Scheduler& scheduler() { return scheduler_; }
  PageKeeper& pages() { return pages_; }
  SeenOutput& output(RequestId id, int32_t index) { return outputs_[{id, index}]; }
  bool is_over(RequestId id) const { return over_.count(id) > 0; }

 private:
  void Take(RequestId id, const Delta& delta) {
    ASSERT_EQ(over_.count(id), 0u) << "news after the last";
    SeenOutput& output = outputs_.at({id, delta.index});
    ASSERT_EQ(output.finish, FinishReason::kNone) << "news of an output that has ended";
    for (const OutputToken& token : delta.tokens) output.tokens.push_back(token.token);
    output.finish = delta.finish;
    if (!delta.tokens.empty()) {
      EXPECT_GT(delta.scheduled_us, 0);
      EXPECT_EQ(delta.step, step_);
      if (output.tokens.size() > 1) {
        EXPECT_EQ(output.num_cached_tokens, delta.num_cached_tokens);
      }
    }
    output.num_cached_tokens = delta.num_cached_tokens;
    if (delta.last) over_.insert(id);
  }

  uint64_t Follow(uint64_t before, TokenId token) const {
    return (before ^ static_cast<uint64_t>(token + 1)) * 0x9e3779b97f4a7c15 + 1;
  }
  uint64_t& KvAt(const Sequence& sequence, int32_t position) {
    const int32_t page_len = options_.pages.page_len;
    const PageId page = sequence.pages()[static_cast<size_t>(position / page_len)];
    return kv_[static_cast<size_t>(page.value) * page_len + position % page_len];
  }

  void Compute(const StepPart& part) {
    Sequence& sequence = *part.sequence;
    uint64_t value = 0;
    for (int32_t i = 0; i < part.end; ++i) {
      value = Follow(value, sequence.tokens()[i]);
      if (i >= part.begin) KvAt(sequence, i) = value;
      ASSERT_EQ(KvAt(sequence, i), value) << "token " << i << " is not what was computed";
    }
    if (!part.wants_logits) return;
    std::fill(logits_.begin(), logits_.end(), 0.0f);
    logits_[static_cast<size_t>(options_.choose(sequence))] = 1.0f;
    sequence.Advance(logits_, scratch_);
  }

  void CheckPlan(const StepPlan& step) {
    int32_t num_tokens = 0;
    StepLoad load;
    const Sequence* first = nullptr;
    for (const StepPart& part : step.parts) {
      EXPECT_EQ(part.begin, part.sequence->num_computed());
      EXPECT_LT(part.begin, part.end);
      EXPECT_LE(part.end, part.sequence->num_tokens());
      EXPECT_EQ(part.wants_logits, part.end == part.sequence->num_tokens());
      EXPECT_GE(static_cast<int32_t>(part.sequence->pages().size()) * pages_.page_len(), part.end);
      num_tokens += part.end - part.begin;
      load.Add(part.begin, part.end, part.wants_logits);
      if (part.sequence == scheduler_.running().front().get()) first = part.sequence;
    }
    EXPECT_LE(num_tokens, options_.scheduler.max_step_tokens);
    EXPECT_EQ(load.tokens(), step.load.tokens());
    EXPECT_EQ(load.decode_keys, step.load.decode_keys);
    EXPECT_NE(first, nullptr) << "whoever stands first is part of every step";
  }

  void Check() {
    const PagePool& pool = pages_.pool();
    std::vector<int32_t> holders(static_cast<size_t>(pool.num_pages()), 0);
    EXPECT_LE(scheduler_.num_running(), options_.scheduler.max_seqs);
    for (const auto& sequence : scheduler_.running()) {
      for (const PageId page : std::as_const(*sequence).pages()) ++holders[page.value];
    }
    int32_t num_free = 0;
    for (int32_t page = 0; page < pool.num_pages(); ++page) {
      ASSERT_EQ(pool.num_holders(PageId{page}), holders[page]) << "page " << page;
      num_free += holders[page] == 0;
    }
    ASSERT_EQ(pool.num_free(), num_free);
    for (const auto& sequence : scheduler_.running()) CheckShared(*sequence, holders);
    int64_t num_waiting_tokens = 0;
    for (const auto& sequence : scheduler_.waiting()) {
      EXPECT_TRUE(sequence->pages().empty());
      EXPECT_EQ(sequence->num_computed(), 0);
      num_waiting_tokens += sequence->num_tokens();
    }
    EXPECT_EQ(scheduler_.num_waiting_tokens(), num_waiting_tokens);
  }

  // A page that is still being written belongs to one sequence.
  void CheckShared(const Sequence& sequence, const std::vector<int32_t>& holders) {
    for (size_t i = 0; i < sequence.pages().size(); ++i) {
      const auto end = static_cast<int32_t>(i + 1) * pages_.page_len();
      if (end > sequence.num_computed()) {
        EXPECT_EQ(holders[sequence.pages()[i].value], 1);
      }
    }
  }

  WorldOptions options_;
  Tokenizer tokenizer_ = MakeTestTokenizer();
  Scheduler scheduler_;
  PageKeeper pages_;
  std::vector<uint64_t> kv_;
  SamplerScratch scratch_;
  std::vector<float> logits_;
  std::map<std::pair<RequestId, int32_t>, SeenOutput> outputs_;
  std::set<RequestId> over_;
  int64_t step_ = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_SCHEDULER_WORLD_H_
