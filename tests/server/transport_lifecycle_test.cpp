// SPDX-License-Identifier: Apache-2.0
//
// A server's beginning and end: ports and paths, a service that comes later, draining, stopping.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/transport/access_log.h"
#include "server/transport/front.h"
#include "transport_testbed.h"

namespace weir {
namespace {

using std::chrono::milliseconds;

std::string SocketPath(const std::string& name) {
  return (std::filesystem::path(::testing::TempDir()) /
          ("weir_" + std::to_string(::getpid()) + "_" + name))
      .string();
}

TEST(TransportStart, TakesAFreePortAndTellsIt) {
  TestServer t;
  EXPECT_GT(t.server->port(), 0);
  EXPECT_EQ(t.server->url(), "http://127.0.0.1:" + std::to_string(t.server->port()));
}

TEST(TransportStart, RefusesWhatItCannotListenOn) {
  TestServer t;
  HttpServerOptions taken{.port = t.server->port()};
  const auto second = HttpServer::Start(taken);
  ASSERT_FALSE(second.has_value());
  EXPECT_NE(second.error().message.find(std::to_string(t.server->port())), std::string::npos);
  EXPECT_FALSE(HttpServer::Start({.host = "no host at all"}).has_value());
  EXPECT_FALSE(HttpServer::Start({.port = 65536}).has_value());
  EXPECT_FALSE(HttpServer::Start({.port = -1}).has_value());
  EXPECT_FALSE(HttpServer::Start({.uds = "/nonexistent/folder/socket"}).has_value());
  EXPECT_FALSE(HttpServer::Start({.uds = std::string(200, 'a')}).has_value());
}

TEST(TransportStart, ListensOnIpv6) {
  HttpServerOptions options{.host = "::1", .port = 0};
  const auto server = HttpServer::Start(options);
  if (!server) GTEST_SKIP() << "no IPv6 here: " << server.error().message;
  EXPECT_EQ((*server)->url(), "http://[::1]:" + std::to_string((*server)->port()));
}

TEST(TransportStart, ListensOnAPath) {
  const std::string path = SocketPath("uds");
  {
    TestServer t({.uds = path});
    EXPECT_EQ(t.server->url(), "unix:" + path);
    Client client(path);
    EXPECT_EQ(client.Ask(Get("/hello")).body, "hi");
    EXPECT_EQ(t.WaitForRecords(1)[0].peer, "unix");
    const auto second = HttpServer::Start({.uds = path});
    EXPECT_FALSE(second.has_value()) << "a server that answers is not pushed aside";
    Client still(path);
    EXPECT_EQ(still.Ask(Get("/hello")).body, "hi");
  }
  EXPECT_FALSE(std::filesystem::exists(path)) << "the path is freed";
}

TEST(TransportStart, ReplacesTheSocketOfADeadServerAndNothingElse) {
  const std::string path = SocketPath("stale");
  const int dead = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(dead, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ::close(dead);
  {
    TestServer t({.uds = path});
    Client client(path);
    EXPECT_EQ(client.Ask(Get("/hello")).body, "hi");
  }
  std::ofstream(path) << "precious";
  EXPECT_FALSE(HttpServer::Start({.uds = path}).has_value());
  EXPECT_TRUE(std::filesystem::exists(path));
  std::filesystem::remove(path);
}

TEST(TransportEnd, DrainsStreamsAndTellsNewcomersToGo) {
  TestServer t;
  Client streaming = t.Connect();
  streaming.Send(Get("/held"));
  auto held = t.held.Next();
  held.reply->StartStream({});
  Client idle = t.Connect();
  EXPECT_EQ(idle.Ask(Get("/hello")).Header("connection"), "");

  t.server->BeginDrain();
  EXPECT_FALSE(t.server->WaitForReplies(milliseconds(0)));
  EXPECT_EQ(idle.Ask(Get("/hello")).Header("connection"), "close");
  EXPECT_TRUE(idle.AtEnd());
  Client newcomer = t.Connect();
  EXPECT_EQ(newcomer.Ask(Get("/hello")).Header("connection"), "close");

  EXPECT_TRUE(held.reply->Write("still here"));
  held.reply->End();
  EXPECT_TRUE(t.server->WaitForReplies(milliseconds(30'000)));
  EXPECT_TRUE(streaming.ReadReply().whole);
}

TEST(TransportEnd, StopCutsWhatIsLeft) {
  Flag gone;
  std::shared_ptr<HttpReply> kept;
  {
    TestServer t;
    Client client = t.Connect();
    client.Send(Get("/held"));
    kept = t.held.Next().reply;
    kept->StartStream({});
    kept->OnGone([&] { gone.Set(); });
    client.ReadUntil("\r\n\r\n");
    t.server->Stop();
    EXPECT_TRUE(gone.Wait());
    EXPECT_EQ(client.ReadToEnd(), "");
    t.server->Stop();  // again: nothing
  }
  // The engine may let go of a reply after the server is gone.
  EXPECT_FALSE(kept->Write("x"));
  bool told = false;
  kept->OnGone([&] { told = true; });
  kept->End();
  EXPECT_TRUE(told);
}

TEST(TransportEnd, StopsWithEveryKindOfConnectionOpen) {
  TestServer t;
  Client silent = t.Connect();
  Client halfway = t.Connect();
  halfway.Send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc");
  Client waiting = t.Connect();
  waiting.Send(Get("/held"));
  auto held = t.held.Next();
  Client closing = t.Connect();
  closing.Ask(Get("/hello", "Connection: close\r\n"));
  t.server->Stop();
  EXPECT_EQ(t.server->num_connections(), 0);
  EXPECT_EQ(t.server->num_requests(), 0);
}

struct FrontServer {
  explicit FrontServer(AuthOptions keys = {})
      : front(*Auth::Make(std::move(keys)), Cors({})),
        server(*HttpServer::Start({
            .port = 0,
            .gate = [this](HttpRequest& head) { return front.Check(head); },
            .handler =
                [this](HttpRequest request, std::shared_ptr<HttpReply> reply) {
                  front.Handle(std::move(request), std::move(reply));
                },
        })) {}
  Front front;
  std::unique_ptr<HttpServer> server;
};

TEST(Front, AnswersUntilTheServiceIsThere) {
  FrontServer t;
  Client client(t.server->port());
  for (const char* path : {"/health", "/v1/models", "/nowhere"}) {
    const Reply reply = client.Ask(Get(path));
    EXPECT_EQ(reply.status, 503) << path;
    EXPECT_NE(reply.Header("retry-after"), "");
  }
  t.front.Open([](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    reply->Send({.body = request.path});
  });
  EXPECT_EQ(client.Ask(Get("/health")).body, "/health");
  t.front.Close();
  EXPECT_EQ(client.Ask(Get("/health")).status, 503);
}

TEST(Front, LetsInWhoHasAKey) {
  FrontServer t({.api_keys = {"secret"}, .admin_keys = {"root"}});
  t.front.Open([](HttpRequest request, std::shared_ptr<HttpReply> reply) {
    reply->Send({.body = request.tenant});
  });
  Client client(t.server->port());
  EXPECT_EQ(client.Ask(Get("/v1/models")).status, 401);
  EXPECT_EQ(client.Ask(Get("/v1/models")).Header("www-authenticate"), "Bearer");
  EXPECT_EQ(client.Ask(Get("/nowhere")).status, 401) << "what exists is not told either";
  EXPECT_EQ(client.Ask(Get("/health")).status, 200);
  EXPECT_EQ(client.Ask(Get("/health?deep=1")).status, 401);
  EXPECT_EQ(client.Ask(Get("/v1/models", "Authorization: Bearer secret\r\n")).body, "key0");
  EXPECT_EQ(client.Ask(Get("/weir/steps", "Authorization: Bearer secret\r\n")).status, 403);
  EXPECT_EQ(client.Ask(Get("/weir/steps", "Authorization: Bearer root\r\n")).body, "admin0");
  const Reply options = client.Ask("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(options.status, 204);
  EXPECT_EQ(options.Header("allow"), "GET, HEAD, POST, OPTIONS");
}

TEST(AccessLog, WritesALinePerRequest) {
  std::string text;
  {
    AccessLog log({.excluded_paths = {"/health"}}, [&](std::string_view lines) { text += lines; });
    log.Add(
        {.method = "GET", .path = "/a b\"\x1b[31m", .id = "x", .tenant = "key0", .status = 200});
    log.Add({.method = "GET", .path = "/health", .status = 200});
    log.Add({.method = "POST", .path = "/b", .status = 0, .gone = true, .duration_us = 1500});
  }
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 2);
  EXPECT_NE(text.find("path=\"/a b\\\"\\x1b[31m\""), std::string::npos)
      << "a path does not move the cursor";
  EXPECT_NE(text.find("key=key0"), std::string::npos);
  EXPECT_NE(text.find("ms=1.500"), std::string::npos);
  EXPECT_NE(text.find(" gone"), std::string::npos);
}

TEST(AccessLog, WritesJson) {
  const std::string line = AccessLogLine({.path = "/\"", .status = 404}, /*json=*/true);
  EXPECT_EQ(line.substr(0, 9), "{\"time\":\"");
  EXPECT_NE(line.find("\"path\":\"/\\\"\""), std::string::npos);
  EXPECT_NE(line.find("\"status\":404"), std::string::npos);
}

}  // namespace
}  // namespace weir
