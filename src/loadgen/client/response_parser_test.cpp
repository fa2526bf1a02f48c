// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/response_parser.h"

#include <algorithm>
#include <gtest/gtest.h>

namespace weir::loadgen {
namespace {

struct Parsed {
  std::string body;
  std::string error;
  size_t taken = 0;
  bool complete = false;
  bool keep_alive = false;
  int32_t status = 0;

  friend bool operator==(const Parsed&, const Parsed&) = default;
};

Parsed Parse(std::string_view text, size_t piece, bool end = false) {
  ResponseParser parser;
  Parsed parsed;
  for (size_t at = 0; at < text.size() && parsed.error.empty(); at += piece) {
    const auto taken = parser.Feed(text.substr(at, piece), parsed.body);
    if (taken) parsed.taken += *taken;
    if (!taken) parsed.error = taken.error().message;
  }
  if (end && parsed.error.empty()) {
    const Status status = parser.End();
    if (!status) parsed.error = status.error().message;
  }
  parsed.complete = parser.complete();
  parsed.keep_alive = parser.keep_alive();
  parsed.status = parser.status();
  return parsed;
}

// However it is split.
Parsed ParseAll(std::string_view text, bool end = false) {
  const Parsed whole = Parse(text, std::max<size_t>(text.size(), 1), end);
  for (size_t piece = 1; piece < text.size(); ++piece) {
    const Parsed split = Parse(text, piece, end);
    EXPECT_TRUE(!whole.error.empty() || split == whole) << piece;
    EXPECT_EQ(split.error.empty(), whole.error.empty()) << piece << " " << split.error;
  }
  return whole;
}

TEST(ResponseParser, BodyOfALength) {
  const Parsed parsed = ParseAll("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\nhellomore");
  EXPECT_EQ(parsed.body, "hello");
  EXPECT_TRUE(parsed.complete && parsed.keep_alive);
  EXPECT_EQ(parsed.taken, 49u) << "what follows is not taken";
  EXPECT_TRUE(ParseAll("HTTP/1.1 204 No Content\r\n\r\n").complete);
  EXPECT_TRUE(ParseAll("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").complete);
}

TEST(ResponseParser, ChunksWithExtensionsAndTrailers) {
  const Parsed parsed = ParseAll(
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;name=value\r\nabc\r\n0A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n");
  EXPECT_EQ(parsed.body, "abc0123456789");
  EXPECT_TRUE(parsed.complete && parsed.keep_alive);
}

TEST(ResponseParser, BodyUntilTheConnectionEnds) {
  const Parsed parsed = ParseAll("HTTP/1.0 200 OK\r\n\r\nabc", true);
  EXPECT_EQ(parsed.body, "abc");
  EXPECT_TRUE(parsed.complete);
  EXPECT_FALSE(parsed.keep_alive);
}

TEST(ResponseParser, InterimResponsesAreSkipped) {
  const Parsed parsed =
      ParseAll("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(parsed.status, 429);
  EXPECT_TRUE(parsed.complete);
}

TEST(ResponseParser, ConnectionHeaderDecides) {
  EXPECT_FALSE(
      ParseAll("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n").keep_alive);
  EXPECT_TRUE(ParseAll("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n")
                  .keep_alive);
}

TEST(ResponseParser, WhatIsNoResponse) {
  for (const char* text :
       {"SSH-2.0-OpenSSH\r\n", "HTTP/2 200\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 99 x\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n", "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-3\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n"}) {
    EXPECT_NE(ParseAll(text).error, "") << text;
  }
}

TEST(ResponseParser, AnEndTooEarlyIsAnError) {
  constexpr std::string_view kText =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (size_t size = 0; size < kText.size(); ++size) {
    EXPECT_NE(Parse(kText.substr(0, size), 1000, true).error, "") << size;
  }
  EXPECT_EQ(Parse(kText, 1000, true).error, "");
}

TEST(ResponseParser, HeadsAndLinesAreBounded) {
  std::string text = "HTTP/1.1 200 OK\r\n";
  while (text.size() < 2 * ResponseParser::kMaxHeadBytes) text += "name: value\r\n";
  EXPECT_NE(Parse(text, 1000).error, "");
  EXPECT_NE(Parse("HTTP/1.1 200 OK\r\nx: " + std::string(100'000, 'y'), 1000).error, "");
  EXPECT_NE(
      Parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + std::string(10'000, 'y'),
            1000)
          .error,
      "");
}

}  // namespace
}  // namespace weir::loadgen
