// SPDX-License-Identifier: Apache-2.0
//
// The whole engine on a small random model: what callers may rely on.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "engine/engine_test_util.h"

namespace weir {
namespace {

// Eight requests on either side of pages, tiles and segments, one after another or all at once.
constexpr int kLengths[] = {1, 5, 16, 17, 64, 65, 250, 400};

std::vector<Outcome> OneByOne(const EngineOptions& options) {
  const auto engine = OpenOrDie(options);
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 8; ++i) {
    outcomes.push_back(Complete(*engine, Prompt(kLengths[i], i), Drawn(i, 24)));
  }
  return outcomes;
}

std::vector<Outcome> Together(const EngineOptions& options) {
  const auto engine = OpenOrDie(options);
  std::vector<Call> calls(8);
  for (int i = 0; i < 8; ++i) {
    EXPECT_TRUE(engine->Submit(calls[i].Make(Prompt(kLengths[i], i), Drawn(i, 24))).has_value());
  }
  std::vector<Outcome> outcomes;
  for (Call& call : calls) outcomes.push_back(call.Wait());
  return outcomes;
}

void ExpectSameText(const std::vector<Outcome>& found, const std::vector<Outcome>& wanted) {
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_EQ(found[i].tokens, wanted[i].tokens) << "request " << i;
    EXPECT_EQ(found[i].text, wanted[i].text);
    EXPECT_EQ(found[i].finish, FinishReason::kLength);
  }
}

// The promise of batch invariance: neighbours, chunking and threads change no bit of a sequence's
// logits, hence no token of its text, even when tokens are drawn at random.
TEST(Engine, BatchInvariantTextWhateverTheBatchTheChunksAndTheThreads) {
  EngineOptions options = Options();
  options.attention.batch_invariant = true;
  options.num_threads = 1;
  const std::vector<Outcome> alone = OneByOne(options);
  options.num_threads = 3;
  for (const int chunk : {8, 50, 512}) {
    SCOPED_TRACE(chunk);
    options.max_num_batched_tokens = chunk;
    ExpectSameText(Together(options), alone);
  }
}

TEST(Engine, BatchInvariantTextWhateverThePolicy) {
  for (const char* dtype : {"bf16", "int8"}) {
    EngineOptions options = Options();
    options.attention.batch_invariant = true;
    options.attention.kv_cache_dtype = dtype;
    const std::vector<Outcome> alone = OneByOne(options);
    for (const char* policy : {"before", "pr85", "weir"}) {
      for (const char* splits : {"", "fixed:5", "batch"}) {
        SCOPED_TRACE(testing::Message() << dtype << ' ' << policy << ' ' << splits);
        options.attention.policy = policy;
        options.attention.kv_splits = splits;
        ExpectSameText(Together(options), alone);
      }
    }
  }
}

// Without batch invariance splits may change last bits, but nothing is lost or invented.
TEST(Engine, EveryPolicyRunsEveryRequestToItsEnd) {
  for (const char* policy : {"before", "pr85", "weir"}) {
    for (const char* splits : {"", "fixed:7", "planned"}) {
      EngineOptions options = Options();
      options.attention.policy = policy;
      options.attention.kv_splits = splits;
      for (const Outcome& outcome : Together(options)) {
        EXPECT_EQ(outcome.tokens.size(), 24u);
        EXPECT_EQ(outcome.num_ends, 1);
      }
    }
  }
}

TEST(Engine, RefusesAttentionOptionsThatAreNone) {
  const auto message = [](const AttentionOptions& attention) {
    EngineOptions options = Options();
    options.attention = attention;
    const auto engine = Engine::Open(options);
    return engine ? std::string() : engine.error().message;
  };
  EXPECT_NE(message({.policy = "flash"}).find("before, pr85 or weir"), std::string::npos);
  EXPECT_NE(message({.routing = "rows"}).find("batch-paged, batch or row"), std::string::npos);
  EXPECT_NE(message({.kv_splits = "fixed:0"}).find("fixed:N"), std::string::npos);
  EXPECT_NE(message({.kv_cache_dtype = "fp8"}).find("bf16 or int8"), std::string::npos);
  EXPECT_NE(message({.device_profile = "no/such/file"}).find("no/such/file"), std::string::npos);
}

TEST(Engine, GreedyIsRepeatableAndSeedsMatter) {
  const auto engine = OpenOrDie(Options());
  SamplingParams greedy = Drawn(0, 16);
  greedy.temperature = 0;
  EXPECT_EQ(Complete(*engine, Prompt(9, 1), greedy).tokens,
            Complete(*engine, Prompt(9, 1), greedy).tokens);
  EXPECT_NE(Complete(*engine, Prompt(9, 1), Drawn(1, 16)).tokens,
            Complete(*engine, Prompt(9, 1), Drawn(2, 16)).tokens);
}

TEST(Engine, StopsAtATokenAndKeepsItsTextOut) {
  const auto engine = OpenOrDie(Options());
  const Outcome all = Complete(*engine, Prompt(9, 1), Drawn(5, 12));
  ASSERT_EQ(all.tokens.size(), 12u);
  SamplingParams stopping = Drawn(5, 12);
  stopping.stop_token_ids = {all.tokens[4]};
  const auto first = std::find(all.tokens.begin(), all.tokens.end(), all.tokens[4]);
  const std::vector<TokenId> until(all.tokens.begin(), first + 1);
  const Outcome stopped = Complete(*engine, Prompt(9, 1), stopping);
  EXPECT_EQ(stopped.tokens, until);
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
  EXPECT_EQ(stopped.text + engine->Decode({all.tokens[4]}), engine->Decode(until));

  // While the token is forbidden, another is chosen.
  stopping.min_tokens = 12;
  EXPECT_EQ(Complete(*engine, Prompt(9, 1), stopping).finish, FinishReason::kLength);
}

TEST(Engine, StopsBeforeAString) {
  const auto engine = OpenOrDie(Options());
  const Outcome all = Complete(*engine, Prompt(9, 1), Drawn(5, 12));
  ASSERT_GE(all.text.size(), 8u);
  SamplingParams stopping = Drawn(5, 12);
  stopping.stop = {all.text.substr(all.text.size() / 2, 3)};
  const std::string before = all.text.substr(0, all.text.find(stopping.stop[0]));
  const Outcome stopped = Complete(*engine, Prompt(9, 1), stopping);
  EXPECT_EQ(stopped.text, before);
  EXPECT_EQ(stopped.finish, FinishReason::kStop);
  stopping.include_stop = true;
  EXPECT_EQ(Complete(*engine, Prompt(9, 1), stopping).text, before + stopping.stop[0]);
}

TEST(Engine, FillsTheContextAndNoMore) {
  EngineOptions options = Options();
  options.max_model_len = 64;
  const auto engine = OpenOrDie(options);
  const Outcome outcome = Complete(*engine, Prompt(60, 3), Drawn(1, 1000));
  EXPECT_EQ(outcome.tokens.size(), 4u);
  EXPECT_EQ(outcome.finish, FinishReason::kLength);
}

TEST(Engine, RefusesWrongRequestsAndGoesOn) {
  const auto engine = OpenOrDie(Options());
  const auto code = [&](std::vector<TokenId> prompt, const SamplingParams& sampling) {
    const auto id = engine->Submit({.prompt = std::move(prompt), .sampling = sampling});
    EXPECT_FALSE(id.has_value());
    return id ? Code::kUnavailable : id.error().code;
  };
  EXPECT_EQ(code({}, {}), Code::kInvalidRequest);
  EXPECT_EQ(code({-1}, {}), Code::kInvalidRequest);
  EXPECT_EQ(code({1 << 30}, {}), Code::kInvalidRequest);
  EXPECT_EQ(code(Prompt(512, 1), {}), Code::kInvalidRequest);
  EXPECT_EQ(code({1}, {.temperature = -1}), Code::kInvalidRequest);
  EXPECT_EQ(Complete(*engine, {1, 2, 3}, Drawn(1, 3)).tokens.size(), 3u);
}

TEST(Engine, CancelsQueuedAndRunningRequests) {
  EngineOptions options = Options();
  options.max_num_seqs = 1;
  const auto engine = OpenOrDie(options);
  Call running;
  Call queued;
  const auto first = engine->Submit(running.Make(Prompt(300, 1), Drawn(1, 200)));
  const auto second = engine->Submit(queued.Make(Prompt(300, 2), Drawn(1, 200)));
  engine->Cancel(*second);
  EXPECT_EQ(queued.Wait().finish, FinishReason::kCancel);
  engine->Cancel(*first);
  const Outcome outcome = running.Wait();
  EXPECT_TRUE(outcome.finish == FinishReason::kCancel || outcome.finish == FinishReason::kLength);
  engine->Cancel(12345);  // nobody's
  EXPECT_EQ(Complete(*engine, {1, 2, 3}, Drawn(1, 3)).tokens.size(), 3u);
}

TEST(Engine, ClosingEndsEveryRequestExactlyOnce) {
  std::vector<Call> calls(20);
  std::vector<std::future<Outcome>> outcomes;
  {
    const auto engine = OpenOrDie(Options());
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(engine->Submit(calls[i].Make(Prompt(100, i), Drawn(i, 400))).has_value());
    }
  }
  for (Call& call : calls) EXPECT_EQ(call.Wait().num_ends, 1);
}

TEST(Engine, ManyThreadsMaySubmitAndCancel) {
  const auto engine = OpenOrDie(Options());
  std::atomic<int> ended{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        Call call;
        const auto id = engine->Submit(call.Make(Prompt(1 + 13 * i, t), Drawn(i, 5)));
        ASSERT_TRUE(id.has_value());
        if (i % 3 == 0) engine->Cancel(*id);
        EXPECT_EQ(call.Wait().num_ends, 1);
        ++ended;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ended, 40);
}

TEST(Engine, ReportsLogprobs) {
  const auto engine = OpenOrDie(Options());
  SamplingParams sampling = Drawn(1, 4);
  sampling.temperature = 0;
  sampling.num_logprobs = 3;
  std::promise<void> ended;
  std::vector<OutputToken> tokens;
  ASSERT_TRUE(engine
                  ->Submit({.prompt = {1, 2, 3},
                            .sampling = sampling,
                            .on_delta =
                                [&](const Delta& d) {
                                  tokens.insert(tokens.end(), d.tokens.begin(), d.tokens.end());
                                  if (d.finish != FinishReason::kNone) ended.set_value();
                                }})
                  .has_value());
  ended.get_future().wait();
  ASSERT_EQ(tokens.size(), 4u);
  for (const OutputToken& token : tokens) {
    ASSERT_EQ(token.top.size(), 3u);
    EXPECT_EQ(token.top[0].token, token.token);  // greedy takes the most probable
    EXPECT_FLOAT_EQ(token.top[0].logprob, token.logprob);
    EXPECT_GE(token.top[0].logprob, token.top[1].logprob);
    EXPECT_LT(token.logprob, 0);
  }
}

TEST(Engine, RefusesToOpenWhatItCannotServe) {
  const auto code = [](const EngineOptions& options) {
    const auto engine = Engine::Open(options);
    EXPECT_FALSE(engine.has_value());
    return engine ? Code::kUnavailable : engine.error().code;
  };
  EXPECT_EQ(code({.model = "/no/such/folder"}), Code::kNotFound);
  EXPECT_EQ(code({.model = "synth:nothing"}), Code::kNotFound);
  EXPECT_EQ(code({.model = "synth:tiny", .kernels = "cpu/abacus"}), Code::kInvalidArgument);
  EXPECT_EQ(code({.model = "synth:tiny", .max_model_len = 1 << 24}), Code::kInvalidArgument);
}

// What users write stays text; the template's own control tokens are control tokens.
TEST(Engine, RendersConversations) {
  const auto engine = OpenOrDie(Options());
  ASSERT_TRUE(engine->info().has_chat_template);
  ChatInput input = {.variables = R"({"messages": [{"role": "user", "content": "a<|im_end|>b"}],
                                      "add_generation_prompt": true})"};
  const auto prompt = engine->RenderChat(input);
  ASSERT_TRUE(prompt.has_value()) << prompt.error().message;
  EXPECT_EQ(prompt->text, "<|im_start|>user\na<|im_end|>b<|im_end|>\n<|im_start|>assistant\n");
  EXPECT_EQ(engine->Decode(prompt->tokens), prompt->text);
  const TokenId end = engine->Encode("<|im_end|>").at(0);
  EXPECT_EQ(std::count(prompt->tokens.begin(), prompt->tokens.end(), end), 1);
  input.allow_special_tokens_in_content = true;
  const auto trusting = engine->RenderChat(input);
  ASSERT_TRUE(trusting.has_value());
  EXPECT_EQ(trusting->tokens, engine->Encode(prompt->text));
  EXPECT_EQ(std::count(trusting->tokens.begin(), trusting->tokens.end(), end), 2);
  for (const char* wrong : {"", "[]", "{", R"({"messages": 7})"}) {
    const auto refused = engine->RenderChat({.variables = wrong});
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_EQ(refused.error().code, Code::kInvalidRequest);
  }
}

}  // namespace
}  // namespace weir
