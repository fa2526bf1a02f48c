// SPDX-License-Identifier: Apache-2.0
//
// Preemption, cached prefixes and several outputs, through the whole engine: none of them changes
// what a request is answered. Bits are compared under batch invariance, where the batch, chunks and
// what was cached cannot change any; drawn at random, so that one wrong bit would show.
#include <future>
#include <gtest/gtest.h>

#include "engine/engine_test_util.h"

namespace weir {
namespace {

EngineOptions Invariant(const char* kv_cache_dtype = "bf16") {
  EngineOptions options = Options();
  options.attention.batch_invariant = true;
  options.attention.kv_cache_dtype = kv_cache_dtype;
  return options;
}

// What one page of the tests' model takes.
int64_t PageBytes(const EngineOptions& options) {
  const auto engine = OpenOrDie(options);
  return engine->info().kv_cache_bytes * options.page_len / engine->info().kv_cache_tokens;
}

void ExpectSame(const Outcome& found, const Outcome& wanted) {
  EXPECT_EQ(found.tokens, wanted.tokens);
  EXPECT_EQ(found.text, wanted.text);
  EXPECT_EQ(found.finish, wanted.finish);
  EXPECT_EQ(found.num_ends, 1);
}

// Penalties, stop strings and text that spans tokens are state that must survive a preemption.
SamplingParams Stateful(int i) {
  SamplingParams sampling = Drawn(static_cast<uint64_t>(i), 150);
  sampling.frequency_penalty = i % 2 == 0 ? 0.3f : 0.0f;
  sampling.repetition_penalty = i % 3 == 0 ? 1.2f : 1.0f;
  if (i % 4 == 1) sampling.stop = {"never in this text", "nor this"};
  return sampling;
}

TEST(EngineMemory, APreemptedRequestSaysTheSame) {
  for (const char* dtype : {"bf16", "int8"}) {
    for (const bool caching : {false, true}) {
      SCOPED_TRACE(testing::Message() << dtype << " caching " << caching);
      EngineOptions options = Invariant(dtype);
      options.scheduling.prefix_caching = caching;
      options.max_model_len = 256;
      const int64_t page_bytes = PageBytes(options);
      std::vector<Outcome> alone;
      {
        const auto engine = OpenOrDie(options);
        for (int i = 0; i < 6; ++i) {
          alone.push_back(Complete(*engine, Prompt(20 + 9 * i, i), Stateful(i)));
        }
      }
      options.kv_cache_bytes = 24 * page_bytes;  // of the 66 that all six come to
      const auto engine = OpenOrDie(options);
      std::vector<Call> calls(6);
      for (int i = 0; i < 6; ++i) {
        const auto id = engine->Submit(calls[i].Make(Prompt(20 + 9 * i, i), Stateful(i)));
        ASSERT_TRUE(id.has_value());
      }
      for (int i = 0; i < 6; ++i) ExpectSame(calls[i].Wait(), alone[i]);
      const EngineStats stats = StatsWhenIdle(*engine);
      EXPECT_GT(stats.num_preemptions, 0);
      EXPECT_EQ(stats.num_free_pages, stats.num_pages);
      EXPECT_EQ(stats.generation_tokens, 6 * 150);
      EXPECT_GT(stats.prompt_tokens_recomputed, 0);
    }
  }
}

// One sequence that fills the pool to its last page, beside others that keep asking for it.
TEST(EngineMemory, ARequestAsLongAsThePoolEnds) {
  EngineOptions options = Options();
  options.max_model_len = 256;
  options.kv_cache_bytes = 16 * PageBytes(options);
  const auto engine = OpenOrDie(options);
  EXPECT_EQ(engine->info().kv_cache_tokens, 256);
  std::vector<Call> calls(4);
  for (int i = 0; i < 4; ++i) {
    const int length = i == 1 ? 100 : 30;
    ASSERT_TRUE(engine->Submit(calls[i].Make(Prompt(length, i), Drawn(i, 1000))).has_value());
  }
  for (int i = 0; i < 4; ++i) {
    const Outcome outcome = calls[i].Wait();
    EXPECT_EQ(outcome.tokens.size(), i == 1 ? 156u : 226u);
    EXPECT_EQ(outcome.finish, FinishReason::kLength);
  }
  EXPECT_EQ(StatsWhenIdle(*engine).num_free_pages, 16);
}

TEST(EngineMemory, RefusesWhatCanNeverFit) {
  EngineOptions options = Options();
  options.max_model_len = 0;
  options.kv_cache_bytes = 4 * PageBytes(Options());
  const auto engine = OpenOrDie(options);
  EXPECT_EQ(engine->info().max_model_len, 64);
  const auto refused = engine->Submit({.prompt = Prompt(64, 1)});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kInvalidRequest);
  EXPECT_EQ(refused.error().message,
            "prompt: 64 tokens, wanted at most 63 so that one can be generated within "
            "max_model_len 64 (the KV cache holds 64 tokens)");
  EXPECT_EQ(Complete(*engine, Prompt(63, 1), Drawn(1, 9)).tokens.size(), 1u);
}

// Conversations of three turns, each with the text of the last one in front: with and without cache
// the same, whatever of it was found.
std::vector<Outcome> Turns(Engine& engine, const SamplingParams& sampling) {
  std::vector<Outcome> outcomes;
  for (int talk = 0; talk < 3; ++talk) {
    std::vector<TokenId> prompt = Prompt(70, 0);  // the same beginning for all
    for (int turn = 0; turn < 3; ++turn) {
      const auto more = Prompt(13 + 3 * turn, 10 * talk + turn);
      prompt.insert(prompt.end(), more.begin(), more.end());
      outcomes.push_back(Complete(engine, prompt, sampling));
      prompt.insert(prompt.end(), outcomes.back().tokens.begin(), outcomes.back().tokens.end());
    }
  }
  return outcomes;
}

TEST(EngineMemory, ACachedPrefixChangesNoBit) {
  for (const char* dtype : {"bf16", "int8"}) {
    SCOPED_TRACE(dtype);
    EngineOptions options = Invariant(dtype);
    options.scheduling.prefix_caching = false;
    const auto without = Turns(*OpenOrDie(options), Drawn(3, 30));
    options.scheduling.prefix_caching = true;
    const auto engine = OpenOrDie(options);
    const auto with = Turns(*engine, Drawn(3, 30));
    for (size_t i = 0; i < with.size(); ++i) {
      SCOPED_TRACE(i);
      ExpectSame(with[i], without[i]);
      EXPECT_EQ(without[i].num_cached_tokens, 0);
    }
    EXPECT_EQ(with[0].num_cached_tokens, 0);
    EXPECT_EQ(with[1].num_cached_tokens, 112);  // of 70 + 13 + 30 - 1 tokens computed
    EXPECT_EQ(with[3].num_cached_tokens, 64);   // another talk: the common beginning
    const EngineStats stats = StatsWhenIdle(*engine);
    int64_t num_cached = 0;
    for (const Outcome& outcome : with) num_cached += outcome.num_cached_tokens;
    EXPECT_EQ(stats.prefix_cache_hits, num_cached);
    EXPECT_EQ(stats.prompt_tokens_cached, num_cached);
    EXPECT_EQ(stats.prefix_cache_queries, stats.prompt_tokens);
    EXPECT_EQ(stats.num_free_pages, stats.num_pages);
  }
}

// By default a cached prefix may change last bits; on this model that flips no greedy choice.
TEST(EngineMemory, GreedyTextIsTheSameWithACachedPrefix) {
  for (const char* dtype : {"bf16", "int8"}) {
    EngineOptions options = Options();
    options.attention.kv_cache_dtype = dtype;
    options.scheduling.prefix_caching = false;
    const auto without = Turns(*OpenOrDie(options), Greedy(30));
    options.scheduling.prefix_caching = true;
    const auto with = Turns(*OpenOrDie(options), Greedy(30));
    for (size_t i = 0; i < with.size(); ++i) EXPECT_EQ(with[i].tokens, without[i].tokens) << i;
  }
}

TEST(EngineMemory, SaltsAndAResetKeepPrefixesApart) {
  const auto engine = OpenOrDie(Options());
  const auto cached = [&](const char* salt) {
    Call call;
    Request request = call.Make(Prompt(100, 1), Greedy(2));
    request.cache_salt = salt;
    EXPECT_TRUE(engine->Submit(std::move(request)).has_value());
    return call.Wait().num_cached_tokens;
  };
  EXPECT_EQ(cached("a"), 0);
  EXPECT_EQ(cached("a"), 96);
  EXPECT_EQ(cached("b"), 0);
  EXPECT_EQ(cached(""), 0);
  EXPECT_EQ(StatsWhenIdle(*engine).num_cached_pages, 18);
  engine->ResetPrefixCache();
  EXPECT_EQ(cached("a"), 0);
}

// The router's class for many rows behind a cached prefix, whether another request left it or an
// earlier chunk did.
TEST(EngineMemory, RowsBehindACachedPrefixAreOfTheirOwnClass) {
  const auto engine = OpenOrDie(Options());
  Complete(*engine, Prompt(100, 1), Greedy(2));
  std::vector<TokenId> longer = Prompt(100, 1);
  const auto more = Prompt(150, 2);
  longer.insert(longer.end(), more.begin(), more.end());
  Complete(*engine, longer, Greedy(2));
  const EngineStats stats = StatsWhenIdle(*engine);
  const std::vector<RowRecord> rows = engine->Rows(1, 100);
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].row_class, RowClass::kFreshPrefill);
  EXPECT_EQ(rows[1].row_class, RowClass::kDecode);
  EXPECT_EQ(rows[2].row_class, RowClass::kCachedPrefill);
  EXPECT_EQ(rows[2].q_len, 250 - 96);
  EXPECT_EQ(rows[2].kv_len, 250);
  EXPECT_EQ(rows[3].row_class, RowClass::kDecode);
  EXPECT_EQ(stats.num_seqs, (std::array<int64_t, 3>{2, 1, 1}));
  EXPECT_EQ(stats.num_tokens, (std::array<int64_t, 3>{2, 100, 250 - 96}));
  EXPECT_EQ(engine->Steps(1, 100).size(), 4u);
}

// Output i of a request with a seed is what a request with seed + i would get, to the bit.
TEST(EngineMemory, OutputsAreThoseOfTheirOwnSeeds) {
  for (const bool caching : {false, true}) {
    for (const int length : {5, 32, 100}) {
      SCOPED_TRACE(testing::Message() << "caching " << caching << " length " << length);
      EngineOptions options = Invariant();
      options.scheduling.prefix_caching = caching;
      const auto engine = OpenOrDie(options);
      Call call;
      const auto id = engine->Submit(call.Make(Prompt(length, 1), Drawn(7, 40), 5));
      ASSERT_TRUE(id.has_value());
      const std::vector<Outcome> outputs = call.WaitAll();
      ASSERT_EQ(outputs.size(), 5u);
      for (uint64_t i = 0; i < 5; ++i) {
        EXPECT_EQ(outputs[i].num_cached_tokens, 0);
        ExpectSame(outputs[i], Complete(*engine, Prompt(length, 1), Drawn(7 + i, 40)));
      }
      EXPECT_NE(outputs[0].tokens, outputs[1].tokens);
      EXPECT_EQ(StatsWhenIdle(*engine).num_free_pages, StatsWhenIdle(*engine).num_pages);
    }
  }
}

// The prompt is computed once: all but its last, partial page is shared.
TEST(EngineMemory, OutputsComputeTheirPromptOnce) {
  for (const bool caching : {false, true}) {
    EngineOptions options = Options();
    options.scheduling.prefix_caching = caching;
    const auto engine = OpenOrDie(options);
    Call call;
    ASSERT_TRUE(engine->Submit(call.Make(Prompt(200, 1), Drawn(7, 3), 4)).has_value());
    call.WaitAll();
    const EngineStats stats = StatsWhenIdle(*engine);
    EXPECT_EQ(stats.num_tokens[0], 4 * 2);
    EXPECT_EQ(stats.num_tokens[1], 200);
    EXPECT_EQ(stats.num_tokens[2], 3 * (200 - 192));
    EXPECT_EQ(stats.prompt_tokens, 200);
    EXPECT_EQ(stats.prompt_tokens_cached, 0);
  }
}

TEST(EngineMemory, RefusesSenselessNumbersOfOutputs) {
  const auto engine = OpenOrDie(Options());
  for (const int32_t n : {0, -1, 9}) {
    const auto id = engine->Submit({.prompt = {1, 2}, .n = n});
    ASSERT_FALSE(id.has_value());
    EXPECT_EQ(id.error().code, Code::kInvalidRequest);
  }
}

// Some outputs have ended, some run, some have not started: one cancel ends the rest, once each.
TEST(EngineMemory, CancelsEveryOutputInWhateverState) {
  EngineOptions options = Options();
  options.max_num_seqs = 3;
  const auto engine = OpenOrDie(options);
  for (int round = 0; round < 20; ++round) {
    Call blocker;
    Call call;
    const auto first = engine->Submit(blocker.Make(Prompt(300, round), Drawn(1, 200)));
    std::promise<void> started;
    Request request = call.Make(Prompt(40, round), Drawn(1, 200), 3);
    request.on_delta = [&, take = request.on_delta, told = false](const Delta& d) mutable {
      take(d);
      if (!std::exchange(told, true)) started.set_value();
    };
    const auto second = engine->Submit(std::move(request));
    ASSERT_TRUE(first.has_value() && second.has_value());
    if (round % 2 == 0) started.get_future().wait();
    engine->Cancel(*second);
    engine->Cancel(*second);
    for (const Outcome& outcome : call.WaitAll()) {
      EXPECT_EQ(outcome.num_ends, 1);
      EXPECT_EQ(outcome.finish, FinishReason::kCancel);
    }
    engine->Cancel(*first);
    engine->Cancel(*second);
    EXPECT_EQ(blocker.Wait().num_ends, 1);
  }
  const EngineStats stats = StatsWhenIdle(*engine);
  EXPECT_EQ(stats.num_free_pages, stats.num_pages);
  EXPECT_EQ(stats.num_waiting_tokens, 0);
}

// A budget that decodes alone exceed: while one runs, a prompt gets a shortest chunk per step, and
// the records say why.
TEST(EngineMemory, PromptsGetShortChunksBesideADecode) {
  EngineOptions options = Options();
  options.scheduling.itl_budget_ms = 1e-3;
  const auto engine = OpenOrDie(options);
  EXPECT_DOUBLE_EQ(engine->info().itl_budget_ms, 1e-3);
  Call stream;
  Call prompt;
  std::promise<void> started;
  Request request = stream.Make(Prompt(10, 1), Drawn(1, 500));
  request.on_delta = [&, take = request.on_delta, told = false](const Delta& d) mutable {
    take(d);
    if (!std::exchange(told, true)) started.set_value();
  };
  const auto first = engine->Submit(std::move(request));
  started.get_future().wait();
  const auto second = engine->Submit(prompt.Make(Prompt(400, 2), Drawn(2, 1)));
  ASSERT_TRUE(first.has_value() && second.has_value());
  prompt.Wait();
  engine->Cancel(*first);
  stream.Wait();
  StatsWhenIdle(*engine);
  int num_chunks = 0;
  for (const RowRecord& row : engine->Rows(1, 10000)) {
    if (row.request != *second) continue;
    const StepRecord step = engine->Steps(row.step, 1).at(0);
    ASSERT_EQ(step.step, row.step);
    EXPECT_LE(row.q_len, 256);
    if (row.kv_len < 400) {
      EXPECT_EQ(step.limit, StepLimit::kItlBudget);
    }
    EXPECT_EQ(step.num_seqs[0], 1);
    ++num_chunks;
  }
  EXPECT_GE(num_chunks, 2);
}

TEST(EngineMemory, StatsAreThoseOfAnIdleEngineWhenNothingRuns) {
  const auto engine = OpenOrDie(Options());
  const EngineStats before = StatsWhenIdle(*engine);
  EXPECT_EQ(before.num_steps, 0);
  EXPECT_EQ(before.num_cached_pages, 0);
  EXPECT_GT(before.heartbeat_us, 0);
  EXPECT_GT(engine->info().itl_budget_ms, 0);
  Complete(*engine, Prompt(20, 1), Greedy(5));
  const EngineStats stats = StatsWhenIdle(*engine);
  EXPECT_EQ(stats.num_steps, 5);
  EXPECT_EQ(stats.num_captured_steps, 4);
  EXPECT_EQ(stats.generation_tokens, 5);
  EXPECT_EQ(stats.num_waiting_tokens, 0);
  EXPECT_GT(stats.decode_step_us, 0);
  EXPECT_GE(stats.heartbeat_us, before.heartbeat_us);
}

}  // namespace
}  // namespace weir
