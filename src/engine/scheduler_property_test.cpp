// SPDX-License-Identifier: Apache-2.0
//
// Random worlds: pools from hardly enough to plenty, prompts that begin alike, priorities, several
// outputs, cancels at any time, with and without cache and time budget. What must always hold is
// checked after every step (scheduler_world.h); here also that all work is done within a bounded
// number of steps, that every output says what it would have said alone, and that nothing is left.
#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <random>

#include "engine/scheduler_world.h"

namespace weir {
namespace {

constexpr int32_t kVocab = 8;

// A function of the whole text, so that a wrong, lost or doubled token changes all that follow.
TokenId NextOf(std::span<const TokenId> tokens, int32_t index) {
  uint64_t hash = static_cast<uint64_t>(index);
  for (const TokenId token : tokens) hash = (hash ^ static_cast<uint64_t>(token)) * 0x100000001b3;
  return static_cast<TokenId>(hash >> 32) & (kVocab - 1);
}

class RandomWorld {
 public:
  explicit RandomWorld(uint32_t seed) : random_(seed), world_(Options()) {}

  void Run() {
    const int num_requests = 1 + Below(12);
    int num_added = 0;
    int64_t num_steps = 0;
    while (num_added < num_requests || HasWork()) {
      while (num_added < num_requests && (Below(3) == 0 || !HasWork())) AddOne(++num_added);
      if (Below(20) == 0) CancelSome(num_added);
      if (Below(50) == 0) world_.pages().ResetPrefixCache();
      const bool worked = world_.Step([](const StepPlan&) {});
      ASSERT_TRUE(worked || !HasWork());
      if (::testing::Test::HasFailure()) return;
      ASSERT_LT(++num_steps, 20000) << "no end";
    }
    for (int id = 1; id <= num_added; ++id) CheckEnd(id);
    EXPECT_EQ(world_.pages().pool().num_free(), world_.pages().pool().num_pages());
    EXPECT_EQ(world_.scheduler().num_waiting_tokens(), 0);
    num_preemptions = world_.scheduler().counts().num_preemptions;
    num_hits = world_.pages().counts().hits;
  }

  int64_t num_preemptions = 0;
  int64_t num_hits = 0;

 private:
  int32_t Below(int32_t bound) { return static_cast<int32_t>(random_() % bound); }

  WorldOptions Options() {
    if (Below(2) == 0) {
      model_.emplace(StepCost{.step_us = 1000,
                              .head_us = 0,
                              .hidden_token_us = 1,
                              .token_us = 20.0f + static_cast<float>(Below(100)),
                              .hidden_tokens = 1 + Below(40),
                              .decode_key_us = static_cast<float>(Below(20)),
                              .fresh_pair_us = 0.1f,
                              .cached_pair_us = 0.2f,
                              .logits_us = 1});
      budget_.emplace(1.0 + Below(8));
    }
    const int32_t max_seqs = 1 + Below(8);
    WorldOptions options = {
        .pages = {.num_pages = 2 + Below(30),
                  .page_len = 1 << Below(5),
                  .prefix_caching = Below(3) > 0,
                  .secret = {random_(), random_()}},
        .scheduler = {.max_step_tokens = max_seqs + Below(64),
                      .max_seqs = max_seqs,
                      .long_prefill_token_threshold = Below(2) == 0 ? 0 : 1 + Below(20)},
        .vocab_size = kVocab,
        .choose = [](const Sequence& s) { return NextOf(s.tokens(), s.index()); }};
    if (model_) options.pacing = {.model = &*model_, .budget = &*budget_};
    capacity_ = options.pages.num_pages * options.pages.page_len;
    max_seqs_ = max_seqs;
    return options;
  }

  // Any length up to what the whole pool holds.
  void AddOne(int id) {
    Request request;
    const int32_t length = 1 + Below(Below(3) == 0 ? capacity_ : std::max(1, capacity_ / 4));
    const int32_t most_new = capacity_ - length + 1;
    const int32_t style = Below(3);  // prompts of one style begin alike
    for (int32_t i = 0; i < length; ++i) {
      request.prompt.push_back(i > length / 2 && Below(4) == 0 ? Below(kVocab)
                                                               : (i * 5 + style) % kVocab);
    }
    request.sampling.max_tokens = 1 + Below(Below(4) == 0 ? most_new : std::min(most_new, 20));
    request.n = Below(3) == 0 ? 1 + Below(max_seqs_) : 1;
    request.priority = Below(3);
    request.cache_salt = Below(5) == 0 ? "other" : "";
    asked_[id] = {request.prompt, request.sampling.max_tokens, request.n};
    world_.Add(id, std::move(request));
  }

  void CancelSome(int num_added) {
    std::vector<RequestId> ids;
    for (int i = 0; i <= Below(3); ++i) ids.push_back(1 + Below(num_added + 2));
    for (const RequestId id : ids) cancelled_.insert(id);
    world_.Cancel(ids);
  }

  bool HasWork() {
    return world_.scheduler().num_running() > 0 || world_.scheduler().num_waiting() > 0;
  }

  void CheckEnd(int id) {
    EXPECT_TRUE(world_.is_over(id)) << id;
    const Asked& asked = asked_[id];
    for (int32_t i = 0; i < asked.n; ++i) {
      const SeenOutput& output = world_.output(id, i);
      std::vector<TokenId> tokens = asked.prompt;
      for (const TokenId token : output.tokens) {
        ASSERT_EQ(token, NextOf(tokens, i)) << "request " << id << " output " << i;
        tokens.push_back(token);
      }
      const auto num_new = static_cast<int32_t>(output.tokens.size());
      if (output.finish == FinishReason::kCancel) {
        EXPECT_TRUE(cancelled_.count(id));
        EXPECT_LT(num_new, asked.max_new);
      } else {
        EXPECT_EQ(output.finish, FinishReason::kLength);
        EXPECT_EQ(num_new, asked.max_new);
      }
    }
  }

  struct Asked {
    std::vector<TokenId> prompt;
    int32_t max_new;
    int32_t n;
  };

  std::mt19937 random_;
  std::optional<CostModel> model_;
  std::optional<StepBudget> budget_;
  int32_t capacity_ = 0;
  int32_t max_seqs_ = 0;
  SchedulerWorld world_;
  std::map<int, Asked> asked_;
  std::set<RequestId> cancelled_;
};

TEST(SchedulerProperties, HoldInRandomWorlds) {
  int64_t num_preemptions = 0;
  int64_t num_hits = 0;
  for (uint32_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE(seed);
    RandomWorld world(seed);
    world.Run();
    if (HasFailure()) return;
    num_preemptions += world.num_preemptions;
    num_hits += world.num_hits;
  }
  // The worlds are tight and alike enough to be worth their time.
  EXPECT_GT(num_preemptions, 1000);
  EXPECT_GT(num_hits, 10000);
}

}  // namespace
}  // namespace weir
