// SPDX-License-Identifier: Apache-2.0
//
// Recorded arrivals in, exact times out. Times are sums of powers of two, so that no rounding hides
// an error.
#include "loadgen/client/stream_exchange.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/client/stream_event.h"

namespace weir::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string Chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}
std::string Event(std::string_view data) { return Chunk(fmt::format("data: {}\n\n", data)); }
std::string Token(std::string_view text) {
  return Event(fmt::format(R"({{"choices":[{{"index":0,"text":"{}"}}]}})", text));
}
std::string Usage(int prompt, int output) {
  return Event(fmt::format(
      R"({{"choices":[],"usage":{{"prompt_tokens":{},"completion_tokens":{}}}}})", prompt, output));
}
const std::string kDone = Event("[DONE]") + "0\r\n\r\n";

struct Arrival {
  double at_s;
  std::string bytes;
};

// Started at 8 s after a quarter of a second in the queue, with 7 prompt tokens planned.
RequestOutcome Replay(const std::vector<Arrival>& arrivals, bool server_ends = false) {
  StreamExchange exchange(8, 0.25, 7);
  for (const Arrival& arrival : arrivals) exchange.OnBytes(arrival.at_s, arrival.bytes);
  if (server_ends) exchange.OnEnd("");
  EXPECT_TRUE(exchange.ended());
  return exchange.Take();
}

TEST(StreamExchange, TimesAreExact) {
  const RequestOutcome o = Replay({{8.5, std::string(kHead)},
                                   {9, Token("a")},
                                   {9.25, Token("b")},
                                   {9.75, Token("c") + Usage(5, 3)},
                                   {16, kDone}});
  EXPECT_TRUE(o.completed()) << o.error;
  EXPECT_EQ(o.start_s, 8);
  EXPECT_EQ(o.queue_s, 0.25);
  EXPECT_EQ(o.ttft_s, 1);
  EXPECT_THAT(o.itls_s, ElementsAre(0.25, 0.5));
  EXPECT_EQ(o.latency_s, 1.75) << "usage and the end do not extend it";
  EXPECT_EQ(o.prompt_tokens, 5);
  EXPECT_EQ(o.output_tokens, 3);
  EXPECT_EQ(o.text, "abc");
  EXPECT_TRUE(o.saw_done);
}

TEST(StreamExchange, BytesCountWhenTheEventIsWhole) {
  const std::string token = Token("a");
  const RequestOutcome o = Replay({{8.5, std::string(kHead) + token.substr(0, 20)},
                                   {9.5, token.substr(20)},
                                   {10, Token("b") + Usage(1, 2) + kDone}});
  EXPECT_EQ(o.ttft_s, 1.5);
  EXPECT_THAT(o.itls_s, ElementsAre(0.5));
}

TEST(StreamExchange, MergedChunksHaveNoGap) {
  const RequestOutcome o =
      Replay({{9, std::string(kHead) + Token("a") + Token("b") + Token("c") + kDone}});
  EXPECT_THAT(o.itls_s, ElementsAre(0, 0));
  EXPECT_FALSE(o.output_tokens.has_value()) << "usage is missing";
}

TEST(StreamExchange, AnEmptyFirstChunkIsTheFirstToken) {
  const RequestOutcome o = Replay({{9, std::string(kHead) + Token("")}, {11, Token("a") + kDone}});
  EXPECT_EQ(o.ttft_s, 1);
  EXPECT_EQ(o.text_at_s, 3);
  const RequestOutcome chat =
      Replay({{9, std::string(kHead) + Event(R"({"choices":[{"delta":{"role":"assistant"}}]})")},
              {10, Event(R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})")},
              {12, Event(R"({"choices":[{"delta":{"content":"yes"}}]})") + kDone}});
  EXPECT_EQ(chat.ttft_s, 1);
  EXPECT_EQ(chat.text, "hmyes");
  EXPECT_THAT(chat.itls_s, ElementsAre(1, 2));
}

TEST(StreamExchange, EndsWithoutDone) {
  EXPECT_TRUE(Replay({{9, std::string(kHead) + Token("a") + "0\r\n\r\n"}}).completed());
  // The connection's end is the body's, and an event's, but not the time at which it came.
  const RequestOutcome until_end =
      Replay({{9, "HTTP/1.1 200 OK\r\n\r\ndata: {\"choices\":[{\"text\":\"a\"}]}\n"}}, true);
  EXPECT_TRUE(until_end.completed());
  EXPECT_EQ(until_end.ttft_s, 1);
  // A server that forgets the last chunk has still said that it is done.
  EXPECT_TRUE(Replay({{9, std::string(kHead) + Token("a") + Event("[DONE]")}}, true).completed());
}

TEST(StreamExchange, WhatFails) {
  const std::string head(kHead);
  const auto error = [](const std::vector<Arrival>& arrivals, bool server_ends) {
    const RequestOutcome outcome = Replay(arrivals, server_ends);
    EXPECT_TRUE(outcome.failed());
    return outcome.error;
  };
  EXPECT_THAT(error({{9, head + Token("a")}}, true), HasSubstr("in the middle of its answer"));
  EXPECT_THAT(error({}, true), HasSubstr("without an answer"));
  EXPECT_THAT(error({{9, head + kDone}}, false), HasSubstr("no chunk with choices"));
  EXPECT_THAT(error({{9, head + Usage(1, 2) + kDone}}, false), HasSubstr("no chunk with choices"));
  EXPECT_THAT(
      error({{9, head + Token("a") + Event(R"({"error":{"message":"oom"}})") + kDone}}, false),
      HasSubstr("reports an error: oom"));
  EXPECT_THAT(error({{9, head + Event(R"({"error":"text"})") + kDone}}, false), HasSubstr("text"));
  EXPECT_THAT(error({{9, head + Event("{") + kDone}}, false), HasSubstr("no JSON object"));
  EXPECT_THAT(error({{9, head + Event("[1]") + kDone}}, false), HasSubstr("no JSON object"));
  EXPECT_THAT(error({{9, "garbage\r\n"}}, false), HasSubstr("wanted HTTP/1.1"));
  EXPECT_EQ(error({{9,
                    "HTTP/1.1 400 Bad Request\r\nContent-Length: 31\r\n\r\n"
                    R"({"error":{"message":"too big"}})"}},
                  false)
                .substr(0, 8),
            "HTTP 400");
  EXPECT_EQ(error({{9, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull"}}, false),
            "HTTP 503 Busy: full");
}

TEST(StreamExchange, AConnectionIsReusedOnlyAfterAnOrderlyEnd) {
  const auto reusable = [](const std::string& bytes) {
    StreamExchange exchange(0, 0, 1);
    exchange.OnBytes(1, bytes);
    return exchange.ended() && exchange.reusable();
  };
  const std::string good = std::string(kHead) + Token("a") + kDone;
  EXPECT_TRUE(reusable(good));
  EXPECT_FALSE(reusable(good + "x")) << "nobody asked for it";
  EXPECT_TRUE(reusable("HTTP/1.1 429 Slow\r\nContent-Length: 0\r\n\r\n"));
  EXPECT_FALSE(reusable("HTTP/1.1 429 Slow\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
}

TEST(ReadStreamEvent, OnlyTheFirstChoiceAndTheUsageOfTheAnswer) {
  const auto event = ReadStreamEvent(
      R"({"id":"x","choices":[{"index":0,"text":"a","logprobs":{"text":"no","content":[{"text":"n"}]}},
          {"index":1,"text":"b"}],"nested":{"usage":{"completion_tokens":9}},
          "usage":{"prompt_tokens":3,"completion_tokens":4,"details":{"completion_tokens":8}}})");
  ASSERT_TRUE(event.has_value());
  EXPECT_TRUE(event->has_choices);
  EXPECT_EQ(event->text, "a");
  EXPECT_EQ(event->prompt_tokens, 3);
  EXPECT_EQ(event->output_tokens, 4);
  EXPECT_FALSE(event->error.has_value());
}

TEST(ReadStreamEvent, NullsAndEmptyListsAreNothing) {
  const auto event = ReadStreamEvent(R"({"choices":[],"usage":null,"error":null})");
  ASSERT_TRUE(event.has_value());
  EXPECT_FALSE(event->has_choices || event->error || event->output_tokens);
  EXPECT_TRUE(ReadStreamEvent(R"({"choices":[{"delta":{"content":null}}]})")->has_choices);
  EXPECT_FALSE(ReadStreamEvent(std::string(100, '[')).has_value());
  EXPECT_FALSE(ReadStreamEvent("").has_value());
  EXPECT_FALSE(ReadStreamEvent("{} {}").has_value());
}

}  // namespace
}  // namespace weir::loadgen
