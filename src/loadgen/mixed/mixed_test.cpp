// SPDX-License-Identifier: Apache-2.0
#include "loadgen/mixed/mixed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/client/scripted_network.h"

namespace weir::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

RequestOutcome Outcome(double start_s, double ttft_s, std::vector<double> itls_s,
                       RequestState state = RequestState::kCompleted) {
  RequestOutcome outcome{.state = state, .start_s = start_s, .ttft_s = ttft_s};
  outcome.latency_s = ttft_s;
  for (const double itl : itls_s) outcome.latency_s += itl;
  outcome.itls_s = std::move(itls_s);
  return outcome;
}

TEST(TagGaps, EveryGapOfTheWindowHasItsTag) {
  // A decodes at 1, 2, 3, 4, 5, 6, 7; B only from 2 on, so the window begins there.
  const std::vector<RequestOutcome> background = {
      Outcome(0, 1, {1, 1, 1, 1, 1, 1}, RequestState::kInterrupted), Outcome(0, 2, {5.5})};
  // A fresh prompt from 3.5 to 4.5, a cached one from 4.25 to 5, which touches but does not
  // overlap what begins at 5.
  const std::vector<RequestOutcome> injected = {Outcome(3.5, 1, {}), Outcome(4.25, 0.75, {})};
  const MixedGaps mixed = TagGaps(background, injected, {false, true}, 100);
  EXPECT_EQ(mixed.window.begin_s, 2);
  EXPECT_EQ(mixed.window.end_s, 7.5);
  std::vector<GapTag> tags;
  for (const TaggedGap& gap : mixed.gaps) {
    if (gap.gap.request == 0) tags.push_back(gap.tag);
  }
  EXPECT_THAT(tags, ElementsAre(GapTag::kSteady, GapTag::kFresh, GapTag::kFresh, GapTag::kSteady,
                                GapTag::kSteady));
  EXPECT_EQ(mixed.Of(GapTag::kSteady).size(), 3u);
  EXPECT_EQ(mixed.Of(GapTag::kFresh).size(), 3u);
  EXPECT_EQ(mixed.Of(GapTag::kFresh).max(), 5.5);
}

TEST(ServerSteps, AreReadAndFound) {
  const auto json = ParseJson(
      R"({"steps":[{"step":3,"begin_us":1000000,"total_us":500000,"num_tokens":{"decode":4,
          "fresh_prefill":2048,"cached_prefill":0},"new":1},
         {"step":4,"begin_us":1500000,"total_us":20000}],
         "requests":[{"request":1,"label":"cmpl-mixed-injected-0","arrived_us":900000},{"x":1}],
         "next":5})",
      "test");
  auto steps = ReadServerSteps(*json);
  ASSERT_TRUE(steps.has_value());
  EXPECT_EQ(steps->next, 5);
  // Sent at 10.9 of the client's clock, so its clock is 10 s ahead.
  const auto offset = ClockOffset(*steps, {{"mixed-injected-0", 10.9}});
  ASSERT_TRUE(offset.has_value());
  EXPECT_NEAR(*offset, 10, 1e-9);
  const ServerStep* step = LongestStepIn(*steps, *offset, {11.4, 11.6});
  ASSERT_NE(step, nullptr);
  EXPECT_EQ(DescribeStep(*step), "step 3: 500.0 ms, 4 decode, 2048 fresh_prefill");
  EXPECT_EQ(LongestStepIn(*steps, *offset, {12, 13}), nullptr);
  EXPECT_FALSE(ClockOffset(*steps, {{"other", 1}}).has_value());
  ServerSteps all = *steps;
  Append(*steps, all);
  EXPECT_EQ(all.steps.size(), 2u) << "known steps are not taken twice";
  for (const char* bad : {"[]", "{}", R"({"steps":[{"step":1}]})", R"({"steps":[3]})"}) {
    EXPECT_FALSE(ReadServerSteps(*ParseJson(bad, "test")).has_value()) << bad;
  }
}

// Prefills take 1 ms per 10 tokens, and the decodes' gaps grow while one runs.
TEST(RunMixed, MeasuresBothSides) {
  int64_t injected = 0;
  ScriptedNetwork network([&](const std::string& request, int) -> Script {
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    if (request.starts_with("GET /v1/models")) {
      return {{0, "HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\n{\"data\":[{\"id\":\"mm\"}]}"}};
    }
    if (request.starts_with("GET")) {
      return {{0, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"}};
    }
    const Json json = *ParseJson(body, "body");
    EXPECT_TRUE(json["ignore_eos"].get<bool>());
    const bool background = json["max_tokens"] != 1;
    const bool cached = request.find("cached") != std::string::npos;
    injected += !background;
    return ScriptedAnswer(background ? 1000 : 1,
                          background ? 0.125
                          : cached   ? 0.0625
                                     : 0.25,
                          0.015625);
  });
  MixedOptions options;
  options.form.server = {.host = "h", .port = 80, .path = ""};
  options.background = 2;
  options.background_context = 16;
  options.inject_len = 100;
  options.inject_cached = 60;
  options.inject_count = 2;
  options.inject_interval_s = 1;
  const auto result = RunMixed(options, network, {});
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_EQ(injected, 3 + 4 + 4);
  EXPECT_EQ(result->failed, 0);
  EXPECT_NEAR(result->fresh.alone, 100 / 0.25, 1e-6);
  EXPECT_NEAR(result->fresh.loaded, 100 / 0.25, 1e-6);
  EXPECT_NEAR(result->cached.alone, 40 / 0.0625, 1e-6);
  EXPECT_GT(result->gaps.Of(GapTag::kSteady).size(), 100u);
  EXPECT_GT(result->gaps.Of(GapTag::kFresh).size(), 30u);
  EXPECT_EQ(result->longest.size(), 10u);
  EXPECT_TRUE(result->notes.empty());
  const std::string text = MixedText(options, *result);
  EXPECT_THAT(text, HasSubstr("mm: 2 decodes at 16 tokens"));
  EXPECT_THAT(text, HasSubstr("under a fresh prefill"));
  EXPECT_NEAR(MixedJson(options, *result)["gaps"]["steady"]["max_ms"].get<double>(), 15.625, 1e-6);
}

TEST(ValidateMixed, NamesTheOption) {
  const auto error = [](auto change) {
    MixedOptions options;
    change(options);
    const Status status = ValidateMixed(options);
    return status ? std::string("ok") : status.error().message;
  };
  EXPECT_EQ(error([](MixedOptions&) {}), "ok");
  EXPECT_THAT(error([](MixedOptions& o) { o.background = 0; }), HasSubstr("--background: found 0"));
  EXPECT_THAT(error([](MixedOptions& o) { o.inject_cached = o.inject_len; }),
              HasSubstr("--inject-cached"));
  EXPECT_THAT(error([](MixedOptions& o) { o.settle_s = 0; }), HasSubstr("--settle"));
  EXPECT_THAT(error([](MixedOptions& o) { o.as_text = true; }), HasSubstr("--tokenizer"));
}

}  // namespace
}  // namespace weir::loadgen
