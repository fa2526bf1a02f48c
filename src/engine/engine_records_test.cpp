// SPDX-License-Identifier: Apache-2.0
//
// Captured steps and records on the real engine: the same bits in both graph modes, and records
// that account for every token.
#include <bit>
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "engine/core_testbed.h"
#include "engine/explanation_text.h"
#include "engine/step_explainer.h"
#include "engine/step_log.h"

namespace weir {
namespace {

// Tokens with the bits of their log probabilities, by request and output.
using Output = std::vector<std::pair<TokenId, uint32_t>>;
using Outputs = std::map<std::pair<RequestId, int32_t>, Output>;

Request MakeRequest(int32_t length, int32_t max_tokens, Outputs& outputs) {
  Request request;
  for (int32_t i = 0; i < length; ++i) request.prompt.push_back((length * 31 + i * 7919) % 900);
  request.sampling.max_tokens = max_tokens;
  request.sampling.num_logprobs = 0;
  request.on_delta = [&outputs](const Delta& delta) {
    Output& output = outputs[{delta.request, delta.index}];
    for (const OutputToken& token : delta.tokens) {
      output.emplace_back(token.token, std::bit_cast<uint32_t>(token.logprob));
    }
  };
  return request;
}

struct RunResult {
  Outputs outputs;
  EngineStats stats;
};

// Requests that come while others run, long and short, two of them sharing a prompt.
RunResult RunAll(const CoreSetup& setup) {
  RunResult run;
  CoreTestbed bed(setup);
  const int32_t lengths[] = {700, 5, 64, 63, 300, 1, 300, 129};
  RequestId id = 0;
  for (const int32_t length : lengths) {
    Request request = MakeRequest(length, 60 + length % 17, run.outputs);
    request.n = length == 64 ? 2 : 1;
    request.label = "length " + std::to_string(length);
    bed.Submit(++id, std::move(request));
    for (int i = 0; i < 15; ++i) bed.core().Step();
  }
  while (bed.core().Step()) {
  }
  run.stats = bed.core().Stats();
  return run;
}

class GraphModes : public ::testing::TestWithParam<std::tuple<int32_t, bool, std::string>> {};

TEST_P(GraphModes, GiveTheSameBits) {
  CoreSetup setup;
  setup.num_threads = std::get<0>(GetParam());
  setup.attention.batch_invariant = std::get<1>(GetParam());
  setup.attention.kv_cache_dtype = std::get<2>(GetParam());
  setup.graph_mode = GraphMode::kNone;
  const RunResult built = RunAll(setup);
  setup.graph_mode = GraphMode::kFullDecodeOnly;
  const RunResult captured = RunAll(setup);
  EXPECT_EQ(built.stats.num_captured_steps, 0);
  EXPECT_GT(captured.stats.num_captured_steps, 100);
  // Without splits there would be little to get wrong.
  if (setup.num_threads > 8) {
    EXPECT_GT(built.stats.num_splits, built.stats.num_seqs[0]);
  }
  EXPECT_EQ(built.stats.num_splits, captured.stats.num_splits);
  EXPECT_EQ(built.outputs.size(), 9u);
  EXPECT_EQ(built.outputs, captured.outputs);
}

INSTANTIATE_TEST_SUITE_P(Machines, GraphModes,
                         ::testing::Combine(::testing::Values(2, 12), ::testing::Bool(),
                                            ::testing::Values("bf16", "int8")));

class Records : public ::testing::Test {
 protected:
  ~Records() override { std::remove(path_.c_str()); }
  StepLog Log() const {
    std::ifstream file(path_, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return ParseTrace(text.str(), path_).value();
  }
  std::string path_ = ::testing::TempDir() + "weir_records_" +
                      ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".jsonl";
};

void ExpectAccountedFor(const Outputs& outputs, const StepLog& log) {
  EXPECT_EQ(log.num_dropped, 0);
  for (const auto& [key, output] : outputs) {
    const Explanation explanation = Explain(log, key.first, 3);
    EXPECT_FALSE(explanation.truncated);
    int32_t num_tokens = -1;
    for (const OutputExplanation& explained : explanation.outputs) {
      if (explained.index == key.second) num_tokens = explained.num_tokens;
    }
    EXPECT_EQ(num_tokens, static_cast<int32_t>(output.size()))
        << "request " << key.first << " output " << key.second;
  }
}

TEST_F(Records, ExplainEveryToken) {
  CoreSetup setup;
  setup.trace_file = path_;
  const RunResult run = RunAll(setup);
  const StepLog log = Log();
  EXPECT_EQ(std::ssize(log.steps), run.stats.num_steps);
  ExpectAccountedFor(run.outputs, log);
  EXPECT_EQ(FindRequest(log, "length 300").value(), 7);
  for (const StepRecord& step : log.steps) {
    EXPECT_GT(step.predicted_us, 0);
    EXPECT_GT(step.forward_us, 0);
    EXPECT_LE(step.forward_us, step.total_us);
  }
}

// A pool that holds half of what the requests need: somebody is preempted, computed again, and
// still accounted for, and says so.
TEST_F(Records, TellOfPreemption) {
  CoreSetup setup;
  setup.trace_file = path_;
  setup.num_pages = 24;
  Outputs outputs;
  int64_t num_preemptions = 0;
  {
    CoreTestbed bed(setup);
    for (RequestId id = 1; id <= 4; ++id) {
      bed.Submit(id, MakeRequest(40 + static_cast<int32_t>(id), 100, outputs));
    }
    while (bed.core().Step()) {
    }
    num_preemptions = bed.core().Stats().num_preemptions;
  }
  ASSERT_GT(num_preemptions, 0);
  const StepLog log = Log();
  ExpectAccountedFor(outputs, log);
  std::string all;
  for (RequestId id = 1; id <= 4; ++id) all += ExplanationText(Explain(log, id, 3), log);
  EXPECT_THAT(all, ::testing::HasSubstr("preempted"));
  EXPECT_THAT(all, ::testing::HasSubstr("ran without this sequence"));
}

}  // namespace
}  // namespace weir
