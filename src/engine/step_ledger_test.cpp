// SPDX-License-Identifier: Apache-2.0
#include "engine/step_ledger.h"

#include <atomic>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>

#include "engine/step_timer.h"

namespace weir {
namespace {

StepRecord Step(int64_t number, int32_t decodes, int32_t prefill, float total_us = 1000) {
  StepRecord step = {.step = number};
  step.num_seqs = {decodes, prefill > 0, 0};
  step.num_tokens = {decodes, prefill, 0};
  step.total_us = total_us;
  return step;
}

std::vector<RowRecord> RowsOf(int64_t step, int32_t count) {
  std::vector<RowRecord> rows;
  for (int32_t i = 0; i < count; ++i) {
    rows.push_back({.step = step, .request = i, .q_len = 1, .kv_len = 10});
  }
  return rows;
}

void AddSteps(StepLedger& ledger, int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    ledger.AddStep(Step(step, 2, 0), RowsOf(step, 2), {});
  }
}

template <class Records>
std::vector<int64_t> Numbers(const Records& records) {
  std::vector<int64_t> numbers;
  for (const auto& record : records) numbers.push_back(record.step);
  return numbers;
}

using ::testing::ElementsAre;

TEST(StepLedger, GivesRecordsFromAStepOn) {
  StepLedger ledger;
  AddSteps(ledger, 1, 5);
  EXPECT_THAT(Numbers(ledger.Steps(4, 100)), ElementsAre(4, 5));
  EXPECT_THAT(Numbers(ledger.Steps(2, 2)), ElementsAre(2, 3));
  EXPECT_THAT(Numbers(ledger.Rows(4, 100)), ElementsAre(4, 4, 5, 5));
  EXPECT_THAT(Numbers(ledger.Rows(4, 3)), ElementsAre(4, 4, 5));
  EXPECT_TRUE(ledger.Steps(6, 100).empty());
  EXPECT_TRUE(ledger.Steps(1, 0).empty());
  EXPECT_TRUE(ledger.Rows(1, -1).empty());
}

TEST(StepLedger, ForgetsTheOldest) {
  StepLedger ledger({.max_steps = 3, .max_rows = 3, .max_requests = 2});
  AddSteps(ledger, 1, 10);
  EXPECT_THAT(Numbers(ledger.Steps(0, 100)), ElementsAre(8, 9, 10));
  EXPECT_THAT(Numbers(ledger.Rows(0, 100)), ElementsAre(9, 10, 10));
}

TEST(StepLedger, CountsSteps) {
  StepLedger ledger;
  StepRecord captured = Step(1, 3, 0);
  captured.captured = true;
  captured.num_splits = 4;
  captured.num_preempted = 2;
  captured.plan_us = 500'000;
  ledger.AddStep(captured, {}, {});
  ledger.AddStep(Step(2, 1, 300), {}, {.step_us = 7});
  ledger.Publish({.num_running = 5, .num_steps = 99});
  const EngineStats stats = ledger.Stats();
  EXPECT_EQ(stats.num_running, 5);  // the caller's
  EXPECT_EQ(stats.num_steps, 2);    // the ledger's own, whatever the caller says
  EXPECT_EQ(stats.num_captured_steps, 1);
  EXPECT_EQ(stats.num_preemptions, 2);
  EXPECT_EQ(stats.num_splits, 4);
  EXPECT_DOUBLE_EQ(stats.plan_seconds, 0.5);
  EXPECT_EQ(stats.num_seqs[0], 4);
  EXPECT_EQ(stats.num_tokens[1], 300);
  EXPECT_EQ(stats.cost.step_us, 7);
}

TEST(StepLedger, TheHistogramsEdgesBelongToTheirBuckets) {
  StepLedger ledger;
  for (const int32_t tokens : {1, 2, 8, 9, 8192, 8193}) {
    ledger.AddStep(Step(tokens, tokens, 0), {}, {});
  }
  ledger.Publish({});
  const auto histogram = ledger.Stats().step_tokens;
  EXPECT_EQ(histogram[0], 1);   // 1
  EXPECT_EQ(histogram[1], 2);   // 2 and 8
  EXPECT_EQ(histogram[2], 1);   // 9
  EXPECT_EQ(histogram[11], 1);  // 8192
  EXPECT_EQ(histogram[12], 1);  // beyond
}

TEST(StepLedger, MeasuresDecodeStepsAndPrefillApart) {
  StepLedger ledger;
  EXPECT_EQ(ledger.decode_step_us(), 0);
  int64_t number = 0;
  for (int i = 0; i < 9; ++i) ledger.AddStep(Step(++number, 4, 0, 50'000), {}, {});
  ledger.AddStep(Step(++number, 4, 0, 900'000), {}, {});  // a median does not mind
  ledger.AddStep(Step(++number, 4, 100, 200'000), {}, {});
  EXPECT_DOUBLE_EQ(ledger.decode_step_us(), 50'000);
  ledger.Publish({});
  EXPECT_DOUBLE_EQ(ledger.Stats().decode_step_us, 50'000);
  EXPECT_NEAR(ledger.Stats().prefill_tok_s, 500, 0.1);
}

TEST(StepLedger, BeforeAnythingIsPublishedAllIsZero) {
  const StepLedger ledger;
  EXPECT_EQ(ledger.Stats().num_steps, 0);
  EXPECT_EQ(ledger.Stats().heartbeat_us, 0);
}

TEST(StepLedger, KeepsRequestsWithTheirLabels) {
  StepLedger ledger({.max_steps = 1, .max_rows = 1, .max_requests = 2});
  for (const std::string label : {"a", "b", "c"}) {
    ledger.AddRequest({.request = label[0], .label = label, .arrived_us = 5, .num_prompt = 7});
  }
  const auto requests = ledger.Requests(100);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].label, "b");
  EXPECT_EQ(requests[1].label, "c");
  EXPECT_EQ(requests[1].num_prompt, 7);
  ASSERT_EQ(ledger.Requests(1).size(), 1u);
  EXPECT_EQ(ledger.Requests(1)[0].label, "c");
  EXPECT_TRUE(ledger.Requests(0).empty());
}

TEST(WholeCharacters, CutsBetweenThem) {
  EXPECT_EQ(WholeCharacters("abc", 5), "abc");
  EXPECT_EQ(WholeCharacters("abc", 2), "ab");
  EXPECT_EQ(WholeCharacters("a\xC3\xA9z", 2), "a");
  EXPECT_EQ(WholeCharacters("a\xC3\xA9z", 3), "a\xC3\xA9");
  EXPECT_EQ(WholeCharacters("\xF0\x9F\x98\x80", 3), "");
  EXPECT_EQ(WholeCharacters("", 0), "");
  StepLedger ledger;
  ledger.AddRequest({.request = 1, .label = std::string(200, 'x')});
  EXPECT_EQ(ledger.Requests(1)[0].label, std::string(kMaxRecordLabel, 'x'));
}

// As the engine and a server use it.
TEST(StepLedger, ManyThreadsMayReadWhileOneWrites) {
  StepLedger ledger({.max_steps = 32, .max_rows = 64, .max_requests = 8});
  constexpr int64_t kSteps = 20'000;
  std::atomic<bool> done = false;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      while (!done) {
        int64_t last = 0;
        for (const StepRecord& step : ledger.Steps(0, 1000)) {
          ASSERT_GT(step.step, last);
          ASSERT_EQ(step.num_waiting, step.step);  // a whole record
          last = step.step;
        }
        for (const RowRecord& row : ledger.Rows(last, 1000)) ASSERT_EQ(row.request, row.step);
        const EngineStats stats = ledger.Stats();
        ASSERT_EQ(stats.num_steps, stats.generation_tokens);
        for (const auto& request : ledger.Requests(8)) {
          ASSERT_EQ(request.label, std::to_string(request.request));
        }
      }
    });
  }
  for (int64_t i = 1; i <= kSteps; ++i) {
    StepRecord step = Step(i, 1, 0);
    step.num_waiting = static_cast<int32_t>(i);
    const RowRecord row = {.step = i, .request = i, .q_len = 1, .kv_len = 2};
    ledger.AddRequest({.request = i, .label = std::to_string(i)});
    ledger.AddStep(step, {&row, 1}, {});
    ledger.Publish({.generation_tokens = i});
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(ledger.Stats().num_steps, kSteps);
}

TEST(StepTimer, PhasesAddUpToTheTotal) {
  StepRecord step = {};
  StepTimer timer;
  timer.End(step.schedule_us);
  timer.End(step.plan_us);
  timer.End(step.forward_us);
  timer.End(step.forward_us);  // a phase may come in pieces
  timer.End(step.sample_us);
  timer.Finish(step);
  const float sum = step.schedule_us + step.plan_us + step.forward_us + step.sample_us;
  EXPECT_NEAR(step.total_us, sum, 0.01f);  // floats of nanoseconds
  EXPECT_LE(step.begin_us, SteadyMicros());
  EXPECT_GE(step.schedule_us, 0);
}

}  // namespace
}  // namespace weir
