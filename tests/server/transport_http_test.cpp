// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1.1 as clients meet it on a socket: connections that stay, requests sent ahead, limits,
// errors.
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "transport_testbed.h"

namespace weir {
namespace {

TEST(Transport, AnswersOnAConnectionThatStays) {
  TestServer t;
  Client client = t.Connect();
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.Ask(Get("/hello"));
    EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(reply.body, "hi");
    EXPECT_EQ(reply.Header("content-type"), "text/plain");
    EXPECT_EQ(reply.Header("date").size(), 29u);
  }
  EXPECT_EQ(client.Ask(Get("/hello", "Connection: close\r\n")).Header("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
}

TEST(Transport, EchoesAUsableRequestIdAndMakesOneOtherwise) {
  TestServer t;
  Client client = t.Connect();
  EXPECT_EQ(client.Ask(Get("/hello", "X-Request-Id: a.b-1\r\n")).Header("x-request-id"), "a.b-1");
  const std::string made = client.Ask(Get("/hello")).Header("x-request-id");
  EXPECT_EQ(made.size(), 32u);
  EXPECT_NE(client.Ask(Get("/hello")).Header("x-request-id"), made);
  for (const std::string& odd : {std::string(129, 'a'), std::string("two words"),
                                 std::string("quo\"te"), std::string("caf\xC3\xA9")}) {
    const Reply reply = client.Ask(Get("/hello", "X-Request-Id: " + odd + "\r\n"));
    EXPECT_EQ(reply.Header("x-request-id").size(), 32u) << odd;
  }
}

TEST(Transport, AnswersRequestsThatWereSentAheadInOrder) {
  TestServer t;
  Client client = t.Connect();
  client.Send(Get("/hello") + Get("/held") + Post("/echo", "last"));
  EXPECT_EQ(client.ReadReply().body, "hi");
  const auto held = t.held.Next();
  held.reply->Send({.body = "second"});
  EXPECT_EQ(client.ReadReply().body, "second");
  EXPECT_EQ(client.ReadReply().body, "last");
}

// Each answer is given while the one before it returns: this must not cost stack.
TEST(Transport, TakesThousandsOfRequestsSentAhead) {
  TestServer t;
  Client client = t.Connect();
  std::string many;
  for (int i = 0; i < 5000; ++i) many += Get("/hello");
  ASSERT_TRUE(client.Send(many + Get("/hello", "Connection: close\r\n")));
  int num_replies = 0;
  while (client.ReadReply().status == 200) ++num_replies;
  EXPECT_EQ(num_replies, 5001);
}

TEST(Transport, ReadsBodiesOfBothKinds) {
  TestServer t;
  Client client = t.Connect();
  const std::string large(3'000'000, 'x');
  EXPECT_EQ(client.Ask(Post("/echo", large)).body, large);
  EXPECT_EQ(client
                .Ask("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "3\r\nabc\r\n4;ext\r\ndefg\r\n0\r\n\r\n")
                .body,
            "abcdefg");
  EXPECT_EQ(client.Ask("POST /echo HTTP/1.1\r\nHost: h\r\n\r\n").body, "")
      << "no length: no body, as curl -X POST sends it";
}

TEST(Transport, AsksForABodyThatWaits) {
  TestServer t;
  Client client = t.Connect();
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.ReadUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(client.Ask("body").body, "body");
}

TEST(Transport, AnswersHeadWithoutABody) {
  TestServer t;
  Client client = t.Connect();
  client.Send("HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n");
  const Reply reply = client.ReadReply(/*head_only=*/true);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.Header("content-length"), "2");
  EXPECT_EQ(client.Ask(Get("/hello")).body, "hi") << "nothing of a body came between";
  EXPECT_EQ(t.WaitForRecords(1)[0].method, "HEAD");
}

TEST(Transport, SpeaksToOldClients) {
  TestServer t;
  Client once = t.Connect();
  const Reply reply = once.Ask("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_EQ(reply.body, "hi");
  EXPECT_TRUE(once.AtEnd());
  Client kept = t.Connect();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(kept.Ask("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").body, "hi");
  }
}

// Status, and how the envelope and the connection look whatever went wrong.
void ExpectError(TestServer& t, const std::string& text, int status) {
  Client client = t.Connect();
  client.Send(text);
  const Reply reply = client.ReadReply();
  EXPECT_EQ(reply.status, status) << text.substr(0, 80);
  EXPECT_EQ(reply.body.substr(0, 10), "{\"error\":{");
  for (const char* key : {"\"message\":", "\"type\":", "\"param\":", "\"code\":"}) {
    EXPECT_NE(reply.body.find(key), std::string::npos) << key;
  }
  EXPECT_NE(reply.Header("x-request-id"), "");
  EXPECT_EQ(reply.Header("connection"), "close");
  EXPECT_TRUE(client.AtEnd());
}

TEST(Transport, AnswersEveryErrorWithAnEnvelope) {
  TestServer t(
      {.limits = {.max_target_bytes = 100, .max_head_bytes = 1000, .max_body_bytes = 100}});
  ExpectError(t, "nonsense\r\n\r\n", 400);
  ExpectError(t, Get("/", "A: " + std::string(1, '\0') + "\r\n"), 400);
  ExpectError(t, "\x16\x03\x01\x00\xA5", 400);
  ExpectError(t, Get("/" + std::string(200, 'a')), 414);
  ExpectError(t, Get("/", "A: " + std::string(2000, 'b') + "\r\n"), 431);
  ExpectError(t, Post("/echo", std::string(101, 'x')), 413);
  ExpectError(t, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", 501);
  ExpectError(t, "GET / HTTP/3.0\r\n\r\n", 505);
  ExpectError(t, "GET / HTTP/1.1\r\nHost: h\r\nExpect: wonders\r\n\r\n", 417);
  Client client = t.Connect();
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200) << "the server is as it was";
}

// A client that only listens once it has sent everything must still get its 413.
TEST(Transport, LetsAClientFinishSendingBeforeItReadsTheRefusal) {
  TestServer t({.limits = {.max_body_bytes = 100}});
  Client client = t.Connect();
  client.Send(Post("/echo", std::string(2'000'000, 'x')));
  EXPECT_EQ(client.ReadReply().status, 413);
}

// A request hidden in the body of another is never answered.
TEST(Transport, SmuggledRequestsAreNotSeen) {
  TestServer t;
  const std::string hidden = Get("/hello");
  for (const std::string& lie :
       {"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(hidden.size()) +
            "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + hidden,
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 40\r\n\r\n" +
            hidden,
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\x0B"
        "chunked\r\n\r\n0\r\n\r\n" +
            hidden,
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n" + hidden,
        "GET /hello HTTP/1.1\r\nHost: h\r\nContent-Length : 40\r\n\r\n" + hidden}) {
    Client client = t.Connect();
    client.Send(lie);
    const Reply reply = client.ReadReply();
    EXPECT_GE(reply.status, 400) << lie;
    EXPECT_EQ(client.ReadToEnd(), "") << lie;
  }
}

TEST(Transport, TellsAClientThatIsTooSlow) {
  TestServer t({.timeouts = {.head_ms = 50, .body_ms = 50, .idle_ms = 60'000}});
  ExpectError(t, "GET / HT", 408);
  ExpectError(t, "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nonly this", 408);
}

TEST(Transport, ClosesConnectionsThatAreIdle) {
  TestServer t({.timeouts = {.idle_ms = 50}});
  Client silent = t.Connect();
  EXPECT_TRUE(silent.AtEnd()) << "no word: there is no request to answer";
  Client once = t.Connect();
  EXPECT_EQ(once.Ask(Get("/hello")).body, "hi");
  EXPECT_TRUE(once.AtEnd());
}

TEST(Transport, OneRequestsFailureIsItsOwn) {
  TestServer t;
  Client client = t.Connect();
  EXPECT_EQ(client.Ask(Get("/throw")).status, 500);
  EXPECT_EQ(client.Ask(Get("/drop")).status, 500);
  EXPECT_EQ(client.Ask(Get("/hello")).status, 200);
}

TEST(Transport, TheGateDecidesBeforeTheBodyIsRead) {
  HttpServerOptions options;
  options.gate = [](HttpRequest& head) {
    HttpVerdict verdict{.headers = {{"X-Gate", "seen"}}};
    if (head.Header("authorization").empty()) verdict.refusal = HttpResponse{.status = 401};
    head.tenant = "key7";
    return verdict;
  };
  TestServer t(std::move(options));
  Client waits = t.Connect();
  const Reply refused = waits.Ask(
      "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(refused.status, 401) << "and not 100";
  EXPECT_EQ(refused.Header("x-gate"), "seen");
  EXPECT_TRUE(waits.AtEnd());

  Client client = t.Connect();
  EXPECT_EQ(client.Ask(Post("/echo", "small")).status, 401);
  client.Send(Get("/held", "Authorization: x\r\n"));  // a small body is read past: still usable
  const auto held = t.held.Next();
  EXPECT_EQ(held.request.tenant, "key7");
  held.reply->Send({});
  EXPECT_EQ(client.ReadReply().Header("x-gate"), "seen");

  Client large = t.Connect();
  EXPECT_EQ(large.Ask("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n").status,
            401)
      << "a large one is not waited for";
}

TEST(Transport, HoldsOnlySoManyBytesOfBodies) {
  TestServer t({.max_buffered_bytes = 1000});
  Client first = t.Connect();
  first.Send(Post("/held", std::string(800, 'x')));
  auto held = t.held.Next();
  Client second = t.Connect();
  const Reply refused = second.Ask(Post("/echo", std::string(800, 'x')));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.Header("retry-after"), "1");
  held.reply->Send({});
  EXPECT_EQ(first.ReadReply().status, 200);
  Client third = t.Connect();
  EXPECT_EQ(third.Ask(Post("/echo", std::string(800, 'x'))).status, 200);
}

TEST(Transport, ServesAPoolOf512KeptConnections) {
  TestServer t;
  std::vector<std::unique_ptr<Client>> pool;
  for (int i = 0; i < 512; ++i) pool.push_back(std::make_unique<Client>(t.server->port()));
  for (int round = 0; round < 3; ++round) {
    for (const auto& client : pool) client->Send(Get("/hello"));
    for (const auto& client : pool) ASSERT_EQ(client->ReadReply().body, "hi");
  }
  EXPECT_EQ(t.server->num_connections(), 512);
}

TEST(Transport, MakesRoomByClosingAnIdleConnection) {
  TestServer t({.max_connections = 2});
  Client idle = t.Connect();
  EXPECT_EQ(idle.Ask(Get("/hello")).status, 200);
  Client busy = t.Connect();
  busy.Send(Get("/held"));
  const auto held = t.held.Next();
  Client newcomer = t.Connect();
  EXPECT_TRUE(idle.AtEnd());
  EXPECT_EQ(newcomer.Ask(Get("/hello")).status, 200);
  held.reply->Send({});
  EXPECT_EQ(busy.ReadReply().status, 200);
}

TEST(Transport, TellsWhenEveryConnectionIsBusy) {
  TestServer t({.max_connections = 1});
  Client busy = t.Connect();
  busy.Send(Get("/held"));
  const auto held = t.held.Next();
  Client newcomer = t.Connect();
  const Reply reply = newcomer.ReadReply();
  EXPECT_EQ(reply.status, 503);
  EXPECT_NE(reply.Header("retry-after"), "");
  held.reply->Send({});
  EXPECT_EQ(busy.ReadReply().status, 200);
}

TEST(Transport, RecordsWhatHappened) {
  TestServer t;
  Client client = t.Connect();
  client.Ask(Post("/echo?secret=1", "abc", "X-Request-Id: mine\r\n"));
  const HttpRecord record = t.WaitForRecords(1)[0];
  EXPECT_EQ(record.method, "POST");
  EXPECT_EQ(record.path, "/echo") << "a query may hold what no log should";
  EXPECT_EQ(record.id, "mine");
  EXPECT_EQ(record.status, 200);
  EXPECT_EQ(record.in_bytes, 3);
  EXPECT_GT(record.out_bytes, 100);
  EXPECT_EQ(record.peer.substr(0, 10), "127.0.0.1:");
  EXPECT_FALSE(record.gone);
  client.Send("broken\r\n\r\n");
  client.ReadReply();
  EXPECT_EQ(t.WaitForRecords(2)[1].status, 400);
}

}  // namespace
}  // namespace weir
