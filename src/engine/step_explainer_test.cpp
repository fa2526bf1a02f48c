// SPDX-License-Identifier: Apache-2.0
#include "engine/step_explainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/explanation_text.h"
#include "engine/step_load.h"

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr StepCost kCost = {.step_us = 50'000,
                            .head_us = 5'000,
                            .token_us = 1'500,
                            .hidden_tokens = 16,
                            .decode_key_us = 1,
                            .fresh_pair_us = 0.5f,
                            .cached_pair_us = 0.5f,
                            .logits_us = 100};

// Writes a log step by step, each right after the last one.
class LogWriter {
 public:
  explicit LogWriter(int64_t begin_us = 1'000'000) : now_us_(begin_us) { log_.cost = kCost; }

  void Request(RequestId id, const std::string& label, int32_t num_prompt) {
    log_.requests.push_back({.request = id,
                             .label = label,
                             .arrived_us = now_us_,
                             .num_prompt = num_prompt,
                             .num_outputs = 1});
  }
  void Wait(int64_t us) { now_us_ += us; }
  void Row(RequestId request, int32_t begin, int32_t end, int32_t index = 0) {
    log_.rows.push_back({.step = next_,
                         .request = request,
                         .index = index,
                         .row_class = RowClassOf(end - begin, end),
                         .q_len = end - begin,
                         .kv_len = end});
  }
  void Step(float total_us, StepLimit limit = StepLimit::kAllIn) {
    StepRecord step = {.step = next_++, .begin_us = now_us_, .limit = limit};
    step.total_us = total_us;
    step.predicted_us = total_us;
    log_.steps.push_back(step);
    now_us_ += static_cast<int64_t>(total_us);
  }
  StepLog& log() { return log_; }

 private:
  StepLog log_;
  int64_t now_us_;
  int64_t next_ = 1;
};

// A request of 100 prompt tokens that decodes, and another whose chunk of 96 tokens behind 2000
// joins the step of its fourth token.
LogWriter Stretched() {
  LogWriter w;
  w.Request(7, "chat", 100);
  w.Request(9, "report", 4000);
  w.Wait(20'000);
  w.Row(7, 0, 64);
  w.Step(120'000, StepLimit::kItlBudget);
  w.Row(7, 64, 100);
  w.Step(90'000);
  for (int32_t i = 0; i < 8; ++i) {
    w.Row(7, 100 + i, 101 + i);
    if (i == 2) w.Row(9, 2000, 2096);
    w.Step(i == 2 ? 243'000 : 61'000);
  }
  return w;
}

TEST(Explain, NamesTheWorkThatStretchedAToken) {
  LogWriter w = Stretched();
  const Explanation e = Explain(w.log(), 7, 5);
  EXPECT_EQ(e.label, "chat");
  EXPECT_EQ(e.num_prompt, 100);
  EXPECT_DOUBLE_EQ(e.queue_us, 20'000);
  EXPECT_DOUBLE_EQ(e.prefill_us, 210'000);
  EXPECT_EQ(e.prefill_steps, 2);
  ASSERT_EQ(e.outputs.size(), 1u);
  EXPECT_EQ(e.outputs[0].num_tokens, 9);  // one of the prompt's end, eight of decodes
  EXPECT_NEAR(e.outputs[0].typical_us, 61'000, 1);
  const TokenGap& worst = e.outputs[0].worst.front();
  EXPECT_EQ(worst.token, 4);
  EXPECT_EQ(worst.step, 5);
  EXPECT_NEAR(worst.gap_us, 243'000, 1);
  EXPECT_EQ(worst.num_steps, 1);
  ASSERT_EQ(worst.causes.size(), 1u);
  EXPECT_EQ(worst.causes[0].request, 9);
  EXPECT_EQ(worst.causes[0].row_class, RowClass::kCachedPrefill);
  EXPECT_EQ(worst.causes[0].q_len, 96);
  EXPECT_EQ(worst.causes[0].cached, 2000);
  // 81 tokens beyond those that the weights hide, and 96 x 2048.5 pairs.
  EXPECT_NEAR(worst.causes[0].share_us, 81 * 1500 + 96 * 2048.5 * 0.5, 10);
}

TEST(ExplanationText, SaysItInPlainWords) {
  LogWriter w = Stretched();
  const std::string text = ExplanationText(Explain(w.log(), 7, 5), w.log());
  EXPECT_EQ(text,
            "request 7 \"chat\": 100 prompt tokens\n"
            "queued for 20 ms\n"
            "prefill took 210 ms in 2 steps\n"
            "output 0: 9 tokens, one every 61 ms typically\n"
            "  token 4 came after 243 ms, typical 61 ms (step 5): the step also computed 96 prompt "
            "tokens of request 9 \"report\" (cached 2000), predicted share 220 ms\n");
}

TEST(ExplanationText, SaysThatNothingIsWrong) {
  LogWriter w;
  w.Request(1, "", 1);
  w.Row(1, 0, 1);
  w.Step(50'000);
  for (int32_t i = 0; i < 4; ++i) {
    w.Row(1, 1 + i, 2 + i);
    w.Step(50'000);
  }
  const std::string text = ExplanationText(Explain(w.log(), 1, 5), w.log());
  EXPECT_THAT(text, HasSubstr("request 1: 1 prompt token\n"));
  EXPECT_THAT(text, HasSubstr("even: the longest gap is 50 ms"));
}

TEST(Explain, TellsWhatRanWhileARequestWaited) {
  LogWriter w;
  w.Row(1, 0, 10);
  w.Step(10'000);  // over before the request came
  w.Request(2, "b", 5);
  for (int i = 0; i < 3; ++i) {
    w.Row(1, 10 + i, 11 + i);
    w.Step(10'000, i == 0 ? StepLimit::kSequences : StepLimit::kPages);
  }
  w.Row(2, 0, 5);
  w.Step(10'000);
  const Explanation e = Explain(w.log(), 2, 5);
  EXPECT_DOUBLE_EQ(e.queue_us, 30'000);
  EXPECT_EQ(e.queue_steps, 3);
  EXPECT_EQ(e.queue_limits[static_cast<size_t>(StepLimit::kPages)], 2);
  EXPECT_THAT(ExplanationText(e, w.log()),
              HasSubstr("queued for 30 ms; 3 steps ran meanwhile: 1 had as many sequences as may "
                        "run, 2 had no free page left\n"));
}

// Preempted with 12 tokens computed, it computes its 13 so far again in two chunks. Only the second
// yields a token.
TEST(Explain, APreemptionIsToldAndYieldsNoTokensTwice) {
  LogWriter w;
  w.Request(3, "", 10);
  w.Row(3, 0, 10);
  w.Step(10'000);
  w.Row(3, 10, 11);
  w.Step(10'000);
  w.Row(3, 11, 12);
  w.Step(10'000);
  for (int i = 0; i < 2; ++i) {
    w.Row(8, 5 + i, 6 + i);
    w.Step(10'000, StepLimit::kPages);
  }
  w.Row(3, 0, 6);
  w.Step(10'000);
  w.Row(3, 6, 13);
  w.Step(10'000);
  w.Row(3, 13, 14);
  w.Step(10'000);
  const Explanation e = Explain(w.log(), 3, 5);
  ASSERT_EQ(e.outputs.size(), 1u);
  const OutputExplanation& output = e.outputs[0];
  EXPECT_EQ(output.num_tokens, 5);
  EXPECT_EQ(output.num_preempted, 1);
  EXPECT_EQ(output.num_recomputed, 12);
  EXPECT_EQ(output.worst.front().token, 4);
  EXPECT_EQ(output.worst.front().num_steps, 4);
  EXPECT_EQ(output.worst.front().num_steps_away, 2);
  const std::string text = ExplanationText(e, w.log());
  EXPECT_THAT(text, HasSubstr("preempted 1 time: 12 tokens computed again\n"));
  EXPECT_THAT(text, HasSubstr("2 steps ran without this sequence"));
}

TEST(Explain, TellsTimeThatNoPredictionAndNoStepAccountsFor) {
  LogWriter w;
  w.Request(1, "", 1);
  w.Row(1, 0, 1);
  w.Step(50'000);
  for (int32_t i = 0; i < 6; ++i) {
    w.Row(1, 1 + i, 2 + i);
    if (i == 3) w.Wait(30'000);
    w.Step(i == 3 ? 90'000 : 50'000);
  }
  w.log().steps[4].predicted_us = 50'000;
  const Explanation e = Explain(w.log(), 1, 1);
  ASSERT_EQ(e.outputs[0].worst.size(), 1u);
  EXPECT_NEAR(e.outputs[0].worst[0].slower_us, 40'000, 1);
  EXPECT_NEAR(e.outputs[0].worst[0].idle_us, 30'000, 1);
  const std::string text = ExplanationText(e, w.log());
  EXPECT_THAT(text, HasSubstr("it took 40 ms more than predicted; 30 ms passed between steps\n"));
}

TEST(Explain, EveryOutputIsASequenceOfItsOwn) {
  LogWriter w;
  w.Request(1, "", 4);
  w.Row(1, 0, 4);
  w.Step(10'000);
  for (int32_t i = 0; i < 3; ++i) {
    w.Row(1, 4 + i, 5 + i, 0);
    w.Row(1, 4 + i, 5 + i, 1);
    w.Step(20'000);
  }
  const Explanation e = Explain(w.log(), 1, 5);
  ASSERT_EQ(e.outputs.size(), 2u);
  EXPECT_EQ(e.outputs[0].num_tokens, 4);
  EXPECT_EQ(e.outputs[1].num_tokens, 3);
  EXPECT_EQ(e.outputs[1].worst[0].causes.size(), 1u);  // the other output
}

// A ring forgets. What is left is explained, and no queue is made up.
TEST(Explain, SaysThatTheRecordsBeginTooLate) {
  LogWriter w = Stretched();
  StepLog& log = w.log();
  log.steps.erase(log.steps.begin(), log.steps.begin() + 3);
  const Explanation e = Explain(log, 7, 5);
  EXPECT_TRUE(e.truncated);
  EXPECT_EQ(e.queue_us, -1);
  EXPECT_EQ(e.prefill_us, -1);
  EXPECT_EQ(e.outputs[0].num_tokens, 7);
  EXPECT_EQ(e.outputs[0].worst.front().token, 4);  // still numbered from the prompt's end
  EXPECT_THAT(ExplanationText(e, log), HasSubstr("do not go back to its beginning"));
  EXPECT_TRUE(ExplanationJson(e)["queue_us"].is_null());
}

TEST(Explain, WithoutARequestsRecordTokensCountFromTheFirstDecode) {
  LogWriter w = Stretched();
  w.log().requests.clear();
  const Explanation e = Explain(w.log(), 7, 5);
  EXPECT_EQ(e.outputs[0].num_tokens, 9);
  EXPECT_EQ(e.outputs[0].worst.front().token, 4);
}

TEST(Explain, WithoutACostModelPrefillsAreNamed) {
  LogWriter w = Stretched();
  w.log().cost = {};
  const std::string text = ExplanationText(Explain(w.log(), 7, 5), w.log());
  EXPECT_THAT(text, HasSubstr("computed 96 prompt tokens of request 9 \"report\" (cached 2000)\n"));
  EXPECT_THAT(text, Not(HasSubstr("predicted share")));
}

TEST(Explain, ARequestThatOnlyWaitsHasNoOutputs) {
  LogWriter w = Stretched();
  w.Request(11, "late", 5);
  const Explanation e = Explain(w.log(), 11, 5);
  EXPECT_TRUE(e.outputs.empty());
  EXPECT_THAT(ExplanationText(e, w.log()), HasSubstr("has not been part of a step"));
}

TEST(FindRequest, ByIdThenByLabelTheLastOfThem) {
  LogWriter w = Stretched();
  w.Request(20, "report", 1);
  w.Request(21, "9", 1);
  EXPECT_EQ(FindRequest(w.log(), "7").value(), 7);
  EXPECT_EQ(FindRequest(w.log(), "9").value(), 9);
  EXPECT_EQ(FindRequest(w.log(), "report").value(), 20);
  const auto none = FindRequest(w.log(), "nobody");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kNotFound);
  EXPECT_THAT(none.error().message, HasSubstr("request nobody: found no record"));
}

TEST(ExplanationJson, HasTheFieldsOfTheExplanation) {
  LogWriter w = Stretched();
  const Json json = ExplanationJson(Explain(w.log(), 7, 2));
  EXPECT_EQ(json["request"], 7);
  EXPECT_EQ(json["queue_limits"]["pages"], 0);
  const Json& worst = json["outputs"][0]["worst"];
  ASSERT_EQ(worst.size(), 2u);
  EXPECT_EQ(worst[0]["token"], 4);
  EXPECT_EQ(worst[0]["causes"][0]["class"], "cached_prefill");
}

}  // namespace
}  // namespace weir
