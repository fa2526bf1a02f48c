// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/url.h"

#include <gtest/gtest.h>

namespace weir::loadgen {
namespace {

TEST(ParseUrl, HostPortAndPath) {
  const auto url = ParseUrl("http://example.org:8000/v2/", "--base-url");
  ASSERT_TRUE(url.has_value());
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->port, 8000);
  EXPECT_EQ(url->path, "/v2");
  EXPECT_EQ(url->Authority(), "example.org:8000");
  EXPECT_EQ(ParseUrl("http://h", "x")->port, 80);
  const auto v6 = ParseUrl("http://[::1]:9/", "x");
  EXPECT_EQ(v6->host, "::1");
  EXPECT_EQ(v6->Authority(), "[::1]:9");
  EXPECT_EQ(v6->path, "");
}

TEST(ParseUrl, RefusesWhatItCannotSpeak) {
  for (const char* bad : {"", "h:8000", "ftp://h", "http://", "http://:80",
                          "http://h:", "http://h:0", "http://h:70000", "http://h:8x", "http://[::1",
                          "http://[::1]80", "http://u@h", "http://h/a b", "http://h/\r\nX: y"}) {
    EXPECT_FALSE(ParseUrl(bad, "--base-url").has_value()) << bad;
  }
  EXPECT_EQ(ParseUrl("https://h", "--base-url").error().code, Code::kUnsupported);
  EXPECT_NE(ParseUrl("x", "--base-url").error().message.find("--base-url: found \"x\""),
            std::string::npos);
}

}  // namespace
}  // namespace weir::loadgen
