// SPDX-License-Identifier: Apache-2.0
//
// What pages of other sites may do.
#include "server/transport/cors.h"

#include <gtest/gtest.h>
#include <string>

namespace weir {
namespace {

HttpRequest From(const std::string& origin, const std::string& method) {
  return {.method = method,
          .path = "/v1/completions",
          .headers = {{"host", "127.0.0.1:8000"}, {"origin", origin}}};
}

HttpRequest Preflight(const std::string& origin) {
  HttpRequest head = From(origin, "OPTIONS");
  head.headers.emplace_back("access-control-request-method", "POST");
  head.headers.emplace_back("access-control-request-headers", "authorization");
  return head;
}

std::string Find(const HttpHeaders& headers, const std::string& name) {
  for (const auto& [key, value] : headers) {
    if (key == name) return value;
  }
  return "(none)";
}

int StatusOf(const Cors& cors, const HttpRequest& head) {
  const auto answer = cors.Check(head);
  return answer ? answer->status : 0;
}

TEST(Cors, IsOffByDefault) {
  const Cors cors({});
  EXPECT_TRUE(cors.HeadersFor("https://evil.example").empty());
  EXPECT_EQ(StatusOf(cors, Preflight("https://evil.example")), 403);
  EXPECT_EQ(StatusOf(cors, From("https://evil.example", "GET")), 0) << "it cannot read the answer";
}

// A browser sends a form's POST without asking first: it must not reach an open local server.
TEST(Cors, RefusesPostsOfForeignPages) {
  const Cors cors({});
  EXPECT_EQ(StatusOf(cors, From("https://evil.example", "POST")), 403);
  EXPECT_EQ(StatusOf(cors, From("null", "POST")), 403);
  EXPECT_EQ(StatusOf(cors, From("http://127.0.0.1:9000", "POST")), 403);
  EXPECT_EQ(StatusOf(cors, From("http://127.0.0.1:8000", "POST")), 0) << "the server's own page";
  HttpRequest no_origin = From("", "POST");
  no_origin.headers.pop_back();
  EXPECT_EQ(StatusOf(cors, no_origin), 0) << "not a browser";
}

TEST(Cors, AllowsNamedOrigins) {
  const Cors cors({.allowed_origins = {"https://chat.example"}, .allow_credentials = true});
  const HttpHeaders headers = cors.HeadersFor("https://chat.example");
  EXPECT_EQ(Find(headers, "Access-Control-Allow-Origin"), "https://chat.example");
  EXPECT_EQ(Find(headers, "Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(Find(headers, "Vary"), "Origin");
  const HttpHeaders others = cors.HeadersFor("https://evil.example");
  EXPECT_EQ(Find(others, "Access-Control-Allow-Origin"), "(none)");
  EXPECT_EQ(Find(others, "Vary"), "Origin") << "or a cache would mix them up";
  EXPECT_EQ(StatusOf(cors, From("https://chat.example", "POST")), 0);
  EXPECT_EQ(StatusOf(cors, From("https://evil.example", "POST")), 403);
  EXPECT_EQ(StatusOf(cors, Preflight("https://evil.example")), 403);
  const auto preflight = cors.Check(Preflight("https://chat.example"));
  ASSERT_TRUE(preflight.has_value());
  EXPECT_EQ(preflight->status, 204);
  EXPECT_EQ(Find(preflight->headers, "Access-Control-Allow-Headers"), "authorization");
}

TEST(Cors, AStarAllowsAll) {
  EXPECT_EQ(Find(Cors({.allowed_origins = {"*"}}).HeadersFor("https://a.example"),
                 "Access-Control-Allow-Origin"),
            "*");
  const Cors with_credentials({.allowed_origins = {"*"}, .allow_credentials = true});
  EXPECT_EQ(Find(with_credentials.HeadersFor("https://a.example"), "Access-Control-Allow-Origin"),
            "https://a.example")
      << "browsers take no * together with credentials";
}

TEST(Cors, AllowsOnlyTheListedMethodsAndHeaders) {
  const Cors cors({.allowed_origins = {"*"},
                   .allowed_methods = {"GET", "POST"},
                   .allowed_headers = {"Authorization", "Content-Type"}});
  const auto preflight = cors.Check(Preflight("https://a.example"));
  ASSERT_TRUE(preflight.has_value());
  EXPECT_EQ(Find(preflight->headers, "Access-Control-Allow-Methods"), "GET, POST");
  EXPECT_EQ(Find(preflight->headers, "Access-Control-Allow-Headers"),
            "Authorization, Content-Type");
}

}  // namespace
}  // namespace weir
