// SPDX-License-Identifier: Apache-2.0
//
// What counts as a request, and what each lie is answered with.
#include "server/transport/request_parser.h"

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <vector>

#include "server/transport/http_grammar.h"

namespace weir {
namespace {

using Event = RequestParser::Event;

constexpr HttpLimits kSmall = {
    .max_target_bytes = 64, .max_head_bytes = 256, .max_headers = 4, .max_body_bytes = 32};

struct Read {
  Event last = Event::kMore;
  int status = 0;  // of the fault
  HttpHead head;
  HttpRequest request;
  size_t num_left = 0;  // bytes of the text not taken
};

// One request, in pieces of `piece` bytes.
Read ReadPieces(std::string_view text, size_t piece, const HttpLimits& limits) {
  RequestParser parser(limits);
  Read read;
  size_t begin = 0;
  while (begin < text.size() && read.last != Event::kRequest && read.last != Event::kFault) {
    std::string_view input = text.substr(begin, piece);
    const size_t given = input.size();
    do {
      read.last = parser.Feed(input);
    } while (read.last == Event::kHead);
    begin += given - input.size();
    if (read.last == Event::kMore) {
      EXPECT_TRUE(input.empty());
    }
  }
  read.status = parser.fault().status;
  read.head = parser.head();
  read.request = parser.request();
  read.num_left = text.size() - begin;
  return read;
}

// However the network cuts it, a text means the same.
Read ReadAll(std::string_view text, const HttpLimits& limits = {}) {
  const Read whole = ReadPieces(text, text.size(), limits);
  for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}}) {
    const Read cut = ReadPieces(text, piece, limits);
    EXPECT_EQ(cut.last, whole.last);
    EXPECT_EQ(cut.status, whole.status);
    EXPECT_EQ(cut.request.path, whole.request.path);
    EXPECT_EQ(cut.request.headers, whole.request.headers);
    EXPECT_EQ(cut.request.body, whole.request.body);
    if (whole.last == Event::kRequest) {
      EXPECT_EQ(cut.num_left, whole.num_left);
    }
  }
  return whole;
}

int StatusOf(std::string_view text, const HttpLimits& limits = {}) {
  return ReadAll(text, limits).status;
}

TEST(RequestParser, ReadsAPlainRequest) {
  const Read read = ReadAll(
      "POST /v1/completions?a=b%20c HTTP/1.1\r\nHost: here\r\nContent-Length: 4\r\n"
      "X-Thing:  two words \r\n\r\nbodyGET");
  ASSERT_EQ(read.last, Event::kRequest);
  EXPECT_EQ(read.request.method, "POST");
  EXPECT_EQ(read.request.path, "/v1/completions");
  EXPECT_EQ(read.request.query, "a=b%20c");
  EXPECT_EQ(read.request.Header("x-thing"), "two words");
  EXPECT_EQ(read.request.body, "body");
  EXPECT_EQ(read.num_left, 3u) << "the next request is left where it is";
  EXPECT_TRUE(read.head.keep_alive);
}

TEST(RequestParser, TakesOneRequestAfterTheOther) {
  RequestParser parser({});
  std::string_view input =
      "GET /a HTTP/1.1\r\nHost: h\r\n\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n";
  for (const char* path : {"/a", "/b"}) {
    EXPECT_EQ(parser.Feed(input), Event::kHead);
    EXPECT_EQ(parser.Feed(input), Event::kRequest);
    EXPECT_EQ(parser.request().path, path);
    parser.Reset();
    EXPECT_FALSE(parser.started());
  }
  EXPECT_TRUE(input.empty());
}

TEST(RequestParser, ReadsChunks) {
  const Read read = ReadAll(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3\r\nabc\r\n00a;name=\"value\"\r\n0123456789\r\n0\r\nX-Trailer: dropped\r\n\r\nrest");
  ASSERT_EQ(read.last, Event::kRequest);
  EXPECT_EQ(read.request.body, "abc0123456789");
  EXPECT_EQ(read.request.Header("x-trailer"), "") << "a trailer must not stand for a header";
  EXPECT_EQ(read.num_left, 4u);
}

TEST(RequestParser, KnowsWhenTheConnectionStays) {
  const auto keeps = [](const std::string& version, const std::string& header) {
    return ReadAll("GET / HTTP/" + version + "\r\nHost: h\r\n" + header + "\r\n").head.keep_alive;
  };
  EXPECT_TRUE(keeps("1.1", ""));
  EXPECT_FALSE(keeps("1.1", "Connection: Close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: te, close\r\n"));
  EXPECT_FALSE(keeps("1.1", "Connection: close\r\nConnection: keep-alive\r\n"));
  EXPECT_FALSE(keeps("1.0", ""));
  EXPECT_TRUE(keeps("1.0", "Connection: Keep-Alive\r\n"));
}

TEST(RequestParser, ReadsTargetsOfEveryForm) {
  const auto path = [](const std::string& target) {
    const Read read = ReadAll("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    return read.last == Event::kRequest ? read.request.path + "|" + read.request.query
                                        : std::to_string(read.status);
  };
  EXPECT_EQ(path("/"), "/|");
  EXPECT_EQ(path("/a%2fb%C3%A9?x=%zz"), "/a/b\xC3\xA9|x=%zz") << "a query is passed as sent";
  EXPECT_EQ(path("http://example.org/a?b"), "/a|b");
  EXPECT_EQ(path("HTTPS://example.org"), "/|");
  EXPECT_EQ(path("http://example.org?q"), "/|q");
  for (const char* lie : {"a", "http://", "http:///a", "ftp://h/a", "/a%", "/a%4", "/a%4g", "/%00",
                          "/%0d%0aX:y", "/%7f", "/%ff", "/%c0%af", "/%ed%a0%80", "/a#b", "/a\\b",
                          "/a\"b\x01", "/\xC3\xA9", "*", "example.org:80"}) {
    EXPECT_EQ(path(lie), "400") << lie;
  }
  EXPECT_EQ(ReadAll("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").request.path, "*");
}

// A length that can be read in two ways is how one client's bytes become another's request.
TEST(RequestParser, RefusesAmbiguousLengths) {
  const auto status = [](const std::string& headers, const std::string& version = "1.1") {
    return StatusOf("POST / HTTP/" + version + "\r\nHost: h\r\n" + headers + "\r\nabc");
  };
  EXPECT_EQ(status("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 3\r\nContent-Length: 3\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 3, 3\r\n"), 400);
  EXPECT_EQ(status("Content-Length: +3\r\n"), 400);
  EXPECT_EQ(status("Content-Length: -1\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 0x3\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 3 \t\r\n"), 0) << "blanks around a value are not part of it";
  EXPECT_EQ(status("Content-Length:\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 99999999999999999999999\r\n"), 413);
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400);
  EXPECT_EQ(status("Transfer-Encoding: gzip, chunked\r\n"), 501);
  EXPECT_EQ(status("Transfer-Encoding: identity\r\n"), 501);
  EXPECT_EQ(status("Transfer-Encoding: xchunked\r\n"), 501);
  EXPECT_EQ(status("Transfer-Encoding: chunked\r\n", "1.0"), 400);
  EXPECT_EQ(status("Transfer-Encoding : chunked\r\n"), 400);
  EXPECT_EQ(status("Content-Length: 3\r\n Content-Length: 4\r\n"), 400) << "folded line";
}

TEST(RequestParser, RefusesBadChunks) {
  const auto status = [](const std::string& body) {
    return StatusOf("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body);
  };
  EXPECT_EQ(status("\r\n"), 400);
  EXPECT_EQ(status("x\r\n"), 400);
  EXPECT_EQ(status("0x3\r\nabc\r\n"), 400);
  EXPECT_EQ(status("-3\r\n"), 400);
  EXPECT_EQ(status(" 3\r\nabc\r\n"), 400);
  EXPECT_EQ(status("3 4\r\nabc\r\n"), 400);
  EXPECT_EQ(status("3\nabc\r\n"), 400) << "bare line feed";
  EXPECT_EQ(status("3\r\nabcd\r\n"), 400) << "more bytes than the size says";
  EXPECT_EQ(status("3\r\nab\r\n0\r\n\r\n"), 400) << "fewer";
  EXPECT_EQ(status("3;a=\x01\r\nabc\r\n"), 400);
  EXPECT_EQ(status("ffffffffffffffff\r\n"), 400);
  EXPECT_EQ(status("fffffffffffffff\r\n"), 413);
  EXPECT_EQ(status("3;" + std::string(300, 'a') + "\r\nabc\r\n"), 400);
  EXPECT_EQ(status("0\r\nbad trailer\r\n\r\n"), 400);
}

TEST(RequestParser, RefusesBadHeads) {
  EXPECT_EQ(StatusOf("\x16\x03\x01\x02"), 400) << "a TLS greeting is told at its first byte";
  EXPECT_EQ(StatusOf("\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\nHost: h\n\n"), 400);
  EXPECT_EQ(StatusOf("GET  / HTTP/1.1\r\n"), 400);
  EXPECT_EQ(StatusOf("GET /\r\n"), 400) << "HTTP/0.9";
  EXPECT_EQ(StatusOf("GET / a HTTP/1.1\r\n"), 400);
  EXPECT_EQ(StatusOf("GE(T / HTTP/1.1\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1 \r\n"), 400);
  EXPECT_EQ(StatusOf("GET / http/1.1\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/2.0\r\n"), 505);
  EXPECT_EQ(StatusOf("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(StatusOf(std::string(40, 'A') + " / HTTP/1.1\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400) << "no Host";
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 0);
  const auto header = [](std::string_view line) {
    return StatusOf("GET / HTTP/1.1\r\nHost: h\r\n" + std::string(line) + "\r\n\r\n");
  };
  EXPECT_EQ(header("no colon"), 400);
  EXPECT_EQ(header(": no name"), 400);
  EXPECT_EQ(header("A B: c"), 400);
  EXPECT_EQ(header("A : c"), 400);
  EXPECT_EQ(header("A: b\r\n folded"), 400);
  EXPECT_EQ(header("A: b\r\n\tfolded"), 400);
  EXPECT_EQ(header("A: b\rC: d"), 400);
  EXPECT_EQ(header(std::string_view("A: b\0c", 6)), 400);
  EXPECT_EQ(header("A: b\x7f"), 400);
  EXPECT_EQ(header("A: caf\xC3\xA9"), 0) << "bytes beyond ASCII are the sender's business";
  EXPECT_EQ(header("Expect: 200-ok"), 417);
}

TEST(RequestParser, StopsAtItsLimits) {
  const auto get = [](const std::string& target, const std::string& headers) {
    return StatusOf("GET " + target + " HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n", kSmall);
  };
  EXPECT_EQ(get("/" + std::string(63, 'a'), ""), 0);
  EXPECT_EQ(get("/" + std::string(64, 'a'), ""), 414);
  EXPECT_EQ(StatusOf("GET /" + std::string(500, 'a'), kSmall), 414) << "no line end is waited for";
  EXPECT_EQ(get("/", "A: b\r\nA: b\r\nA: b\r\n"), 0);
  EXPECT_EQ(get("/", "A: b\r\nA: b\r\nA: b\r\nA: b\r\n"), 431);
  EXPECT_EQ(get("/", "A: " + std::string(300, 'b')), 431);
  const auto post = [](const std::string& rest) {
    return StatusOf("POST / HTTP/1.1\r\nHost: h\r\n" + rest, kSmall);
  };
  EXPECT_EQ(post("Content-Length: 32\r\n\r\n" + std::string(32, 'a')), 0);
  EXPECT_EQ(post("Content-Length: 33\r\n\r\n"), 413) << "before a byte of it has come";
  const std::string chunked = "Transfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(post(chunked + "10\r\n" + std::string(16, 'a') + "\r\n10\r\n"), 0);
  EXPECT_EQ(post(chunked + "10\r\n" + std::string(16, 'a') + "\r\n11\r\n"), 413);
  EXPECT_EQ(post(chunked + "0\r\n" + "A: b\r\nA: b\r\nA: b\r\n"), 431) << "trailers count too";
}

TEST(RequestParser, SaysWhoWaitsForContinue) {
  const auto waits = [](const std::string& rest) {
    return ReadAll("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\n" + rest)
        .head.expects_continue;
  };
  EXPECT_TRUE(waits("Content-Length: 1\r\n\r\na"));
  EXPECT_TRUE(waits("Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"));
  EXPECT_FALSE(waits("\r\n")) << "there is no body to wait with";
}

TEST(RequestParser, CanDropABody) {
  RequestParser parser({});
  std::string_view input = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcG";
  ASSERT_EQ(parser.Feed(input), Event::kHead);
  parser.DropBody();
  ASSERT_EQ(parser.Feed(input), Event::kRequest);
  EXPECT_EQ(parser.request().body, "");
  EXPECT_EQ(input, "G");
}

TEST(HttpGrammar, KnowsUtf8) {
  EXPECT_TRUE(IsPathUtf8("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"));
  for (const char* bad : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\x80", "\xED\xA0\x80",
                          "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
    EXPECT_FALSE(IsPathUtf8(bad)) << bad;
  }
}

TEST(HttpGrammar, FindsWordsInLists) {
  EXPECT_TRUE(ListHolds("a, Close ,b", "close"));
  EXPECT_FALSE(ListHolds("closed", "close"));
  EXPECT_FALSE(ListHolds("", "close"));
  EXPECT_FALSE(ListHolds(",,", "close"));
}

}  // namespace
}  // namespace weir
