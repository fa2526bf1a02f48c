// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/sse_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

namespace weir::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Events = std::vector<std::string>;

// Fed in pieces of `piece` bytes.
Events Parse(std::string_view text, size_t piece, bool finish = true) {
  SseParser parser;
  Events events;
  const auto on_data = [&](std::string_view data) { events.emplace_back(data); };
  for (size_t at = 0; at < text.size(); at += piece) {
    EXPECT_TRUE(parser.Feed(text.substr(at, piece), on_data).has_value());
  }
  if (finish) parser.Finish(on_data);
  return events;
}

TEST(SseParser, SplitAnywhereGivesTheSame) {
  constexpr std::string_view kText =
      "\xef\xbb\xbf: a comment first\n\ndata: {\"a\": 1}\n\n"
      "event: x\r\ndata: two\r\ndata: lines\r\n\r\n"
      ": ping\rdata:no space\r\rid: 7\nretry: 3\ndata\n\n\n\n"
      "data:  two spaces\n: between\n\ndata: [DONE]\n\n";
  const Events whole = Parse(kText, kText.size());
  EXPECT_THAT(whole,
              ElementsAre("{\"a\": 1}", "two\nlines", "no space", "", " two spaces", "[DONE]"));
  for (size_t piece = 1; piece < kText.size(); ++piece) {
    EXPECT_EQ(Parse(kText, piece), whole) << piece;
  }
}

TEST(SseParser, CommentsAndOtherFieldsAreNoEvents) {
  EXPECT_THAT(Parse(": ping\n\n: ping\n\nevent: x\n\nid: 3\n\nretry: 5\n\ndatax: y\n\n", 1000),
              IsEmpty());
}

TEST(SseParser, AnEventNeedsItsBlankLineUntilTheStreamEnds) {
  EXPECT_THAT(Parse("data: a\n", 3, false), IsEmpty());
  EXPECT_THAT(Parse("data: a\n", 3), ElementsAre("a"));
  EXPECT_THAT(Parse("data: a", 3), ElementsAre("a"));
  EXPECT_THAT(Parse("data: a\n\ndata: {\"cut", 3), ElementsAre("a", "{\"cut"));
}

TEST(SseParser, AnEventWithoutEndIsBounded) {
  SseParser parser;
  const std::string piece(size_t{1} << 20, 'x');
  const auto nothing = [](std::string_view) {};
  size_t fed = 0;
  while (parser.Feed(piece, nothing)) {
    fed += piece.size();
    ASSERT_LE(fed, SseParser::kMaxEventBytes);
  }
  EXPECT_GT(fed + piece.size(), SseParser::kMaxEventBytes);
  SseParser many_lines;
  const std::string line = "data: " + piece + "\n";
  int lines = 0;
  while (many_lines.Feed(line, nothing)) ASSERT_LT(++lines, 17);
}

}  // namespace
}  // namespace weir::loadgen
