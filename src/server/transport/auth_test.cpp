// SPDX-License-Identifier: Apache-2.0
//
// Which keys open which routes.
#include "server/transport/auth.h"

#include <cstdio>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace weir {
namespace {

HttpRequest Ask(const std::string& path, const std::string& authorization = "",
                const std::string& query = "") {
  HttpRequest head{.method = "GET", .path = path, .query = query};
  if (!authorization.empty()) head.headers.emplace_back("authorization", authorization);
  return head;
}

// The status, or 0 when the request may pass.
int StatusOf(const Auth& auth, HttpRequest head) {
  const auto refusal = auth.Check(head);
  if (!refusal) return 0;
  EXPECT_EQ(refusal->headers.at(0).first, "WWW-Authenticate");
  EXPECT_NE(refusal->body.find("\"error\""), std::string::npos);
  return refusal->status;
}

Auth TwoKeys() { return *Auth::Make({.api_keys = {"alpha", "beta"}, .admin_keys = {"root"}}); }

TEST(Auth, IsOpenWithoutKeys) {
  const Auth auth = *Auth::Make({});
  HttpRequest head = Ask("/weir/steps");
  EXPECT_FALSE(auth.Check(head).has_value());
  EXPECT_EQ(head.tenant, "");
}

TEST(Auth, WithKeysOnlyPlainProbesAreOpen) {
  const Auth auth = TwoKeys();
  EXPECT_EQ(StatusOf(auth, Ask("/health")), 0);
  EXPECT_EQ(StatusOf(auth, Ask("/ping")), 0);
  EXPECT_EQ(StatusOf(auth, Ask("/health", "", "deep=1")), 401);
  EXPECT_EQ(StatusOf(auth, Ask("/health", "", "x")), 401) << "any query: not a plain probe";
  for (const char* path : {"/", "/v1/models", "/metrics", "/health/", "/healthz", "//health",
                           "/Health", "/nowhere", "/v1/../health"}) {
    EXPECT_EQ(StatusOf(auth, Ask(path)), 401) << path;
  }
  HttpRequest post = Ask("/health");
  post.method = "POST";
  EXPECT_EQ(StatusOf(auth, post), 401);
}

TEST(Auth, DocumentsMayBeOpen) {
  const Auth auth = *Auth::Make({.api_keys = {"alpha"}, .open_paths = {"/", "/page.js"}});
  EXPECT_EQ(StatusOf(auth, Ask("/")), 0);
  EXPECT_EQ(StatusOf(auth, Ask("/page.js", "", "v=1")), 0);
  EXPECT_EQ(StatusOf(auth, Ask("/page.js/more")), 401);
  HttpRequest post = Ask("/");
  post.method = "POST";
  EXPECT_EQ(StatusOf(auth, post), 401);
}

TEST(Auth, TellsTenantsApart) {
  const Auth auth = TwoKeys();
  const auto tenant = [&](const char* authorization) {
    HttpRequest head = Ask("/v1/models", authorization);
    EXPECT_FALSE(auth.Check(head).has_value());
    return head.tenant;
  };
  EXPECT_EQ(tenant("Bearer alpha"), "key0");
  EXPECT_EQ(tenant("bearer  beta"), "key1") << "the scheme's case and blanks do not matter";
  EXPECT_EQ(tenant("Bearer root"), "admin0");
}

TEST(Auth, RefusesWhatIsNotAKey) {
  const Auth auth = TwoKeys();
  for (const char* sent :
       {"alpha", "Basic alpha", "Bearer", "Bearer ", "Bearer alph", "Bearer alphaa", "Bearer ALPHA",
        "Bearer alpha,beta", "Bearer alphaalpha", "Token alpha"}) {
    EXPECT_EQ(StatusOf(auth, Ask("/v1/models", sent)), 401) << sent;
  }
  HttpRequest twice = Ask("/v1/models", "Bearer alpha");
  twice.headers.emplace_back("authorization", "Bearer alpha");
  EXPECT_EQ(StatusOf(auth, twice), 401);
}

TEST(Auth, AdminRoutesWantAnAdminKey) {
  const Auth auth = TwoKeys();
  for (const char* path : {"/reset_prefix_cache", "/weir/steps", "/weir"}) {
    EXPECT_EQ(StatusOf(auth, Ask(path)), 401) << path;
    EXPECT_EQ(StatusOf(auth, Ask(path, "Bearer alpha")), 403) << path;
    EXPECT_EQ(StatusOf(auth, Ask(path, "Bearer root")), 0) << path;
  }
  const Auth no_admin = *Auth::Make({.api_keys = {"alpha"}});
  EXPECT_EQ(StatusOf(no_admin, Ask("/weir/steps", "Bearer alpha")), 403);
  const Auth only_admin = *Auth::Make({.admin_keys = {"root"}});
  EXPECT_EQ(StatusOf(only_admin, Ask("/v1/models")), 401) << "any key at all closes the door";
}

TEST(Auth, ComparesWholeKeys) {
  EXPECT_TRUE(EqualInConstantTime("key", "key"));
  EXPECT_FALSE(EqualInConstantTime("keykey", "key")) << "a repetition is not the key";
  EXPECT_FALSE(EqualInConstantTime("", "key"));
  EXPECT_FALSE(EqualInConstantTime("", ""));
  EXPECT_FALSE(EqualInConstantTime("kez", "key"));
}

TEST(Auth, TakesNoKeyThatCannotBeSent) {
  for (const char* key : {"", "two words", "caf\xC3\xA9", "line\n"}) {
    const auto auth = Auth::Make({.api_keys = {key}});
    ASSERT_FALSE(auth.has_value()) << key;
    EXPECT_EQ(auth.error().message.find("caf"), std::string::npos) << "keys are not repeated";
  }
}

TEST(Auth, ReadsKeyFiles) {
  const std::string path = ::testing::TempDir() + "weir_auth_test_keys";
  std::ofstream(path) << "# whose\n\n  alpha \r\nbeta\n";
  EXPECT_EQ(*ReadKeyFile(path), (std::vector<std::string>{"alpha", "beta"}));
  std::ofstream(path) << "# none yet\n";
  EXPECT_FALSE(ReadKeyFile(path).has_value());
  std::ofstream(path) << "two words\n";
  EXPECT_FALSE(ReadKeyFile(path).has_value());
  std::remove(path.c_str());
  EXPECT_FALSE(ReadKeyFile(path).has_value());
}

}  // namespace
}  // namespace weir
