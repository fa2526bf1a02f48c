// SPDX-License-Identifier: Apache-2.0
//
// Records on their way out and back: JSON, the server's answer, trace files, Chrome traces.
#include "engine/step_log.h"

#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>

#include "engine/perfetto_export.h"
#include "engine/step_json.h"
#include "engine/step_ledger.h"
#include "engine/trace_writer.h"

namespace weir {
namespace {

using ::testing::HasSubstr;

StepRecord SomeStep(int64_t number) {
  return {.step = number,
          .begin_us = 1000 * number,
          .num_seqs = {4, 0, 1},
          .num_tokens = {4, 0, 96},
          .num_splits = 2,
          .num_waiting = 3,
          .num_preempted = 1,
          .num_free_pages = 77,
          .limit = StepLimit::kItlBudget,
          .captured = true,
          .predicted_us = 230.5f,
          .schedule_us = 1,
          .plan_us = 2,
          .forward_us = 220,
          .sample_us = 7,
          .total_us = 230};
}
constexpr RowRecord kRow = {.step = 2,
                            .request = 9,
                            .index = 1,
                            .row_class = RowClass::kCachedPrefill,
                            .q_len = 96,
                            .kv_len = 2096};
const RequestRecord kRequest = {
    .request = 9, .label = "r\"9\n", .arrived_us = 12, .num_prompt = 4000, .num_outputs = 2};
constexpr StepCost kCost = {.step_us = 1.5f, .head_us = 2, .hidden_tokens = 8, .logits_us = 9};

TEST(StepJson, IsAsDocumented) {
  EXPECT_EQ(DumpJson(ToJson(SomeStep(7))),
            R"({"step":7,"begin_us":7000,)"
            R"("num_seqs":{"decode":4,"fresh_prefill":0,"cached_prefill":1},)"
            R"("num_tokens":{"decode":4,"fresh_prefill":0,"cached_prefill":96},)"
            R"("num_splits":2,"num_waiting":3,"num_preempted":1,"num_free_pages":77,)"
            R"("limit":"itl_budget","captured":true,"predicted_us":230.5,"schedule_us":1.0,)"
            R"("plan_us":2.0,"forward_us":220.0,"sample_us":7.0,"total_us":230.0})");
  EXPECT_EQ(
      DumpJson(ToJson(kRow)),
      R"({"step":2,"request":9,"index":1,"class":"cached_prefill","q_len":96,"kv_len":2096})");
  EXPECT_EQ(DumpJson(ToJson(kRequest)),
            R"({"request":9,"label":"r\"9\n","arrived_us":12,"num_prompt":4000,"num_outputs":2})");
}

TEST(StepJson, ComesBackAsItWas) {
  const StepRecord step = StepFromJson(ToJson(SomeStep(7)), "test").value();
  EXPECT_EQ(ToJson(step), ToJson(SomeStep(7)));
  EXPECT_EQ(step.limit, StepLimit::kItlBudget);
  EXPECT_EQ(ToJson(RowFromJson(ToJson(kRow), "test").value()), ToJson(kRow));
  EXPECT_EQ(ToJson(RequestFromJson(ToJson(kRequest), "test").value()), ToJson(kRequest));
  EXPECT_EQ(ToJson(CostFromJson(ToJson(kCost), "test").value()), ToJson(kCost));
}

TEST(StepJson, WhatIsWrongIsNamed) {
  const auto message = [](auto change) {
    Json json = ToJson(SomeStep(7));
    change(json);
    const auto step = StepFromJson(json, "here");
    return step ? std::string("accepted") : step.error().message;
  };
  EXPECT_EQ(message([](Json& j) { j.erase("limit"); }), "here: limit: missing");
  EXPECT_EQ(message([](Json& j) { j["limit"] = "x"; }), "here: limit: unknown name x");
  EXPECT_EQ(message([](Json& j) { j["limit"] = 1; }), "here: limit: wanted a text");
  EXPECT_EQ(message([](Json& j) { j["step"] = 1.5; }), "here: step: wanted an integer");
  EXPECT_EQ(message([](Json& j) { j["step"] = UINT64_MAX; }), "here: step: out of range");
  EXPECT_EQ(message([](Json& j) { j["num_waiting"] = int64_t{1} << 40; }),
            "here: num_waiting: out of range");
  EXPECT_EQ(message([](Json& j) { j["total_us"] = 1e300; }), "here: total_us: out of range");
  EXPECT_EQ(message([](Json& j) { j["captured"] = 0; }), "here: captured: wanted true or false");
  EXPECT_EQ(message([](Json& j) {
              j["num_seqs"] = {1, 2, 3};
            }),
            "here: num_seqs: wanted a number per class of rows");
  EXPECT_EQ(message([](Json& j) { j = 5; }), "here: found no object");
}

// An engine that has done two steps.
class RecordedEngine : public Engine {
 public:
  RecordedEngine() {
    ledger_.AddRequest(kRequest);
    ledger_.AddStep(SomeStep(1), {}, kCost);
    ledger_.AddStep(SomeStep(2), {&kRow, 1}, kCost);
    ledger_.Publish({});
  }
  Result<RequestId> Submit(Request) override { return 0; }
  void Cancel(RequestId) override {}
  std::vector<TokenId> Encode(std::string_view) const override { return {}; }
  std::string Decode(const std::vector<TokenId>&) const override { return {}; }
  const EngineInfo& info() const override { return info_; }
  Result<ChatPrompt> RenderChat(const ChatInput&) const override { return ChatPrompt(); }
  EngineStats Stats() const override { return ledger_.Stats(); }
  std::vector<StepRecord> Steps(int64_t first, int32_t max) const override {
    return ledger_.Steps(first, max);
  }
  std::vector<RowRecord> Rows(int64_t first, int32_t max) const override {
    return ledger_.Rows(first, max);
  }
  std::vector<RequestRecord> Requests(int32_t max) const override { return ledger_.Requests(max); }
  void ResetPrefixCache() override {}

 private:
  EngineInfo info_ = {};
  StepLedger ledger_;
};

TEST(StepsAnswer, IsAPageOfTheLedger) {
  const RecordedEngine engine;
  const Json answer = StepsAnswer(engine, 1, 1);
  EXPECT_EQ(answer["steps"].size(), 1u);
  EXPECT_EQ(answer["rows"].size(), 0u);  // those of step 2 come with it
  EXPECT_EQ(answer["next"], 2);
  const Json rest = StepsAnswer(engine, 2, 100);
  EXPECT_EQ(rest["steps"].size(), 1u);
  EXPECT_EQ(rest["rows"].size(), 1u);
  EXPECT_EQ(rest["requests"].size(), 1u);
  EXPECT_EQ(rest["next"], 3);
  EXPECT_EQ(StepsAnswer(engine, 3, 100)["next"], 3);
  EXPECT_TRUE(StepsAnswer(engine, 3, 100)["steps"].empty());
}

TEST(ParseStepLog, ReadsTheAnswer) {
  const RecordedEngine engine;
  const StepLog log = ParseStepLog(DumpJson(StepsAnswer(engine, 0, 100)), "answer").value();
  EXPECT_EQ(log.steps.size(), 2u);
  EXPECT_EQ(log.rows.size(), 1u);
  EXPECT_EQ(log.requests[0].label, "r\"9\n");
  EXPECT_EQ(log.cost.logits_us, 9);
}

std::string ErrorOf(const Result<StepLog>& log) { return log ? "accepted" : log.error().message; }

TEST(ParseStepLog, RefusesWhatNoEngineSays) {
  const auto with = [](const std::string& steps, const std::string& rows) {
    return ErrorOf(ParseStepLog(
        R"({"requests":[],"steps":[)" + steps + R"(],"rows":[)" + rows + "]}", "answer"));
  };
  const std::string one = DumpJson(ToJson(SomeStep(1))), two = DumpJson(ToJson(SomeStep(2)));
  EXPECT_EQ(with(one + "," + two, ""), "accepted");
  EXPECT_THAT(with(two + "," + one, ""), HasSubstr("answer: steps[1]: found step 1 after 2"));
  const auto row = [](int64_t step, int64_t q_len, int64_t kv_len) {
    return R"({"step":)" + std::to_string(step) + R"(,"request":1,"index":0,"class":"decode",)" +
           R"("q_len":)" + std::to_string(q_len) + R"(,"kv_len":)" + std::to_string(kv_len) + "}";
  };
  EXPECT_EQ(with(one, row(1, 1, 5)), "accepted");
  EXPECT_THAT(with(one, row(1, 0, 5)), HasSubstr("found q_len 0"));
  EXPECT_THAT(with(one, row(1, 6, 5)), HasSubstr("found q_len 6 with kv_len 5"));
  EXPECT_THAT(with(one, row(1, 1, 2147483647)), HasSubstr("found q_len 1 with kv_len 2147483647"));
  EXPECT_THAT(with(one, row(2, 1, 5) + "," + row(1, 1, 5)), HasSubstr("row of step 1 after"));
  EXPECT_THAT(ErrorOf(ParseStepLog("{", "answer")), HasSubstr("answer"));
  EXPECT_THAT(ErrorOf(ParseStepLog("[]", "answer")), HasSubstr("found no object"));
  EXPECT_THAT(ErrorOf(ParseStepLog("{}", "answer")), HasSubstr("found no list steps"));
  EXPECT_THAT(ErrorOf(ParseStepLog(R"({"steps":[1]})", "answer")), HasSubstr("steps[0]"));
}

constexpr char kHeader[] = R"({"weir_trace":1,"clock":"steady_us"})"
                           "\n";

TEST(ParseTrace, ReadsLinesAndLeavesOutACutOffEnd) {
  const std::string step = DumpJson({{"step", ToJson(SomeStep(1))}}) + "\n";
  const StepLog log =
      ParseTrace(kHeader + step + R"({"dropped":3})" + "\n" + R"({"row":{"step":)", "file").value();
  EXPECT_EQ(log.steps.size(), 1u);
  EXPECT_EQ(log.num_dropped, 3);
  // Unknown kinds of records are a later version's.
  EXPECT_EQ(ParseTrace(std::string(kHeader) + R"({"later":1})" + "\n", "file")->steps.size(), 0u);
}

TEST(ParseTrace, RefusesOtherFiles) {
  EXPECT_THAT(ErrorOf(ParseTrace("", "file")), HasSubstr("file: empty"));
  EXPECT_THAT(ErrorOf(ParseTrace("{}\n", "file")), HasSubstr("file:1: found no"));
  EXPECT_THAT(ErrorOf(ParseTrace("\x7F"
                                 "ELF",
                                 "file")),
              HasSubstr("file:1"));
  EXPECT_THAT(ErrorOf(ParseTrace(std::string(kHeader) + "nonsense\n{}\n", "file")),
              HasSubstr("file:2"));
  EXPECT_THAT(ErrorOf(ParseTrace(std::string(kHeader) + "[]\n", "file")), HasSubstr("no object"));
}

class TraceFile : public ::testing::Test {
 protected:
  ~TraceFile() override { std::remove(path_.c_str()); }
  std::string Text() const {
    std::ifstream file(path_, std::ios::binary);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }
  std::string path_ = ::testing::TempDir() + "weir_trace_" +
                      ::testing::UnitTest::GetInstance()->current_test_info()->name() + ".jsonl";
};

TEST_F(TraceFile, HoldsWhatTheLedgerWasTold) {
  {
    auto trace = TraceWriter::Open(path_).value();
    StepLedger ledger({}, trace.get());
    ledger.AddRequest(kRequest);
    for (int64_t i = 1; i <= 1000; ++i) {
      RowRecord row = kRow;
      row.step = i;
      ledger.AddStep(SomeStep(i), {&row, 1}, kCost);
    }
    EXPECT_EQ(trace->num_dropped(), 0);
  }
  const StepLog log = ParseTrace(Text(), path_).value();
  ASSERT_EQ(log.steps.size(), 1000u);
  EXPECT_EQ(ToJson(log.steps[999]), ToJson(SomeStep(1000)));
  EXPECT_EQ(log.rows.size(), 1000u);
  EXPECT_EQ(log.requests.at(0).label, kRequest.label);
  EXPECT_EQ(log.cost.step_us, kCost.step_us);
  EXPECT_EQ(log.num_dropped, 0);
}

// Whatever the writer's pace, every record is in the file or counted.
TEST_F(TraceFile, CountsWhatAFullQueueDrops) {
  constexpr int64_t kSteps = 5000;
  {
    auto trace = TraceWriter::Open(path_, /*queue_records=*/4).value();
    for (int64_t i = 1; i <= kSteps; ++i) trace->Put(SomeStep(i));
  }
  const StepLog log = ParseTrace(Text(), path_).value();
  EXPECT_GT(log.num_dropped, 0);
  EXPECT_EQ(static_cast<int64_t>(log.steps.size()) + log.num_dropped, kSteps);
}

TEST_F(TraceFile, AFullDiskStopsTheTraceAndNothingElse) {
  auto trace = TraceWriter::Open("/dev/full");
  if (!trace) GTEST_SKIP() << "no /dev/full";
  for (int64_t i = 1; i <= 1000; ++i) (*trace)->Put(SomeStep(i));
}

TEST(TraceWriter, NamesAFileThatCannotBeWritten) {
  const auto trace = TraceWriter::Open("/nowhere/at/all");
  ASSERT_FALSE(trace);
  EXPECT_EQ(trace.error().code, Code::kIo);
  EXPECT_THAT(trace.error().message, HasSubstr("/nowhere/at/all: cannot write a trace there"));
}

TEST(PerfettoTrace, ShowsPhasesCountersAndATrackPerOutput) {
  StepLog log;
  log.steps = {SomeStep(1), SomeStep(2)};
  log.rows = {kRow};
  log.requests = {kRequest};
  const Json trace = ParseJson(PerfettoTrace(log), "trace").value();
  std::map<std::string, int> count;
  for (const Json& event : trace["traceEvents"]) {
    ++count[event["ph"].get<std::string>() + " " + event["name"].get<std::string>()];
    if (event["ph"] == "X") {
      EXPECT_TRUE(event["ts"].is_number() && event["dur"].is_number());
    }
  }
  EXPECT_EQ(count["X step 1"], 1);
  EXPECT_EQ(count["X forward"], 2);
  EXPECT_EQ(count["C tokens"], 2);
  EXPECT_EQ(count["X prefill"], 1);
  EXPECT_EQ(count["M thread_name"], 2);  // the engine's and the output's
  EXPECT_EQ(count["X queue"], 0);        // on the track of output 0, which has no row here
}

TEST(PerfettoTrace, AnEmptyLogIsAValidTrace) {
  const Json trace = ParseJson(PerfettoTrace({}), "trace").value();
  EXPECT_EQ(trace["traceEvents"].size(), 3u);  // names of the tracks
}

}  // namespace
}  // namespace weir
