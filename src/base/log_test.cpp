// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

std::string Quoted(std::string_view value) {
  std::string out;
  log_internal::AppendValue(out, value);
  return out;
}

TEST(AppendValue, PlainWordsStandAsTheyAre) {
  for (const char* value : {"cpu/avx512", "0.5", "[1,2]", "a\\b", "caf\xC3\xA9"}) {
    EXPECT_EQ(Quoted(value), value);
  }
}

TEST(AppendValue, QuotesWhatWouldNotBeOneWord) {
  EXPECT_EQ(Quoted(""), R"("")");
  EXPECT_EQ(Quoted("a b"), R"("a b")");
  EXPECT_EQ(Quoted("a=b"), R"("a=b")");
  EXPECT_EQ(Quoted("a\"b"), R"("a\"b")");
  EXPECT_EQ(Quoted("a \\ b"), R"("a \\ b")");
}

// A name chosen by a user can neither forge a line nor move the cursor of a terminal.
TEST(AppendValue, EscapesControlCharacters) {
  EXPECT_EQ(Quoted("a\nweir error: forged"), R"("a\nweir error: forged")");
  EXPECT_EQ(Quoted("a\rb"), R"("a\x0db")");
  EXPECT_EQ(Quoted("\x1B[2J"), R"("\x1b[2J")");
  EXPECT_EQ(Quoted(std::string_view("\0", 1)), R"("\x00")");
  EXPECT_EQ(Quoted("\x7F"), R"("\x7f")");
}

TEST(Log, WritesOneLinePerEvent) {
  ::testing::internal::CaptureStderr();
  WEIR_LOG(WARN, "model loaded", "name", "weir tiny", "layers", 4);
  WEIR_LOG(ERROR, "no pairs");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "weir warn: model loaded name=\"weir tiny\" layers=4\nweir error: no pairs\n");
}

TEST(Log, DropsLinesBelowTheLevel) {
  ::testing::internal::CaptureStderr();
  SetLogLevel(LogLevel::WARN);
  EXPECT_FALSE(LogEnabled(LogLevel::INFO));
  EXPECT_TRUE(LogEnabled(LogLevel::ERROR));
  WEIR_LOG(INFO, "dropped");
  WEIR_LOG(WARN, "kept");
  SetLogLevel(LogLevel::INFO);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "weir warn: kept\n");
}

}  // namespace
}  // namespace weir
