// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace weir {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string ErrorOf(std::string_view text) {
  const auto value = ParseJson(text, "file.json");
  return value ? "parsed" : value.error().message;
}

TEST(ParseJson, KeepsTheOrderOfKeys) {
  const auto value = ParseJson(R"({"b": 1, "a": [true, null, "x"]})", "file.json");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(DumpJson(*value), R"({"b":1,"a":[true,null,"x"]})");
}

TEST(ParseJson, NamesTheSourceAndTakesTheCallersCode) {
  const auto value = ParseJson("{", "body", Code::kInvalidRequest);
  ASSERT_FALSE(value.has_value());
  EXPECT_EQ(value.error().code, Code::kInvalidRequest);
  EXPECT_THAT(value.error().message, StartsWith("body: "));
  EXPECT_EQ(ParseJson("{", "x").error().code, Code::kInvalidModel);
}

TEST(ParseJson, RefusesWhatIsNotOneValue) {
  for (const char* text : {"",        " ",     "{",   "[1,", "{\"a\"}",  "{\"a\":1,}", "[1,]",
                           "nul",     "'a'",   "01",  "+1",  ".5",       "NaN",        "Infinity",
                           "// c\n1", "{} {}", "1 2", "{}x", "\"a\nb\"", "\"\\x41\"",  "[1]]"}) {
    EXPECT_THAT(ErrorOf(text), StartsWith("file.json: byte ")) << text;
  }
}

TEST(ParseJson, RefusesNumbersBeyondDouble) {
  EXPECT_THAT(ErrorOf("[1e999]"), HasSubstr("overflow"));
  EXPECT_EQ(ErrorOf("[1e308, -1e308, 1e-999]"), "parsed");
}

// Two readers of the same text would take different values.
TEST(ParseJson, RefusesDuplicateKeysOfOneObject) {
  EXPECT_THAT(ErrorOf(R"({"a": 1, "b": 2, "a": 3})"), HasSubstr("\"a\" stands twice"));
  EXPECT_THAT(ErrorOf(R"([{"x": {"a": 1, "\u0061": 2}}])"), HasSubstr("\"a\" stands twice"));
  EXPECT_EQ(ErrorOf(R"({"a": {"a": 1}, "b": [{"a": 1}, {"a": 2}]})"), "parsed");
}

TEST(ParseJson, LimitsTheDepth) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_EQ(ErrorOf(nested(kMaxJsonDepth)), "parsed");
  EXPECT_THAT(ErrorOf(nested(kMaxJsonDepth + 1)), HasSubstr("deeper than 64"));
  // Would overflow the stack of a parser that recurses.
  EXPECT_THAT(ErrorOf(std::string(10 << 20, '[')), HasSubstr("deeper than 64"));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  EXPECT_THAT(ErrorOf(objects), HasSubstr("deeper than 64"));
}

TEST(ParseJson, RefusesNulBytes) {
  using namespace std::string_view_literals;
  EXPECT_THAT(ErrorOf("{}\0garbage"sv), HasSubstr("byte 2: a NUL byte"));
  EXPECT_THAT(ErrorOf("\0{}"sv), HasSubstr("NUL"));
  EXPECT_THAT(ErrorOf("\"a\0b\""sv), HasSubstr("NUL"));
  // Escaped, it is a character like others.
  const auto value = ParseJson(R"("a\u0000b")", "x");
  EXPECT_EQ(value->get<std::string>(), "a\0b"sv);
}

TEST(ParseJson, RefusesInvalidUtf8) {
  for (const char* text : {"\"\xFF\"", "\"\xC3\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"",
                           "\"\xF5\x80\x80\x80\"", "\"\\ud800\"", "\"\\ud800x\"", "\"\\udc00\""}) {
    EXPECT_NE(ErrorOf(text), "parsed") << text;
  }
  EXPECT_EQ(ErrorOf("\"\xC3\xA9\xF0\x9F\x98\x80\\ud83d\\ude00\""), "parsed");
}

TEST(ParseJsonFile, ReadsAtMostSoManyBytes) {
  const std::string path =
      ::testing::TempDir() + "weir_json_test_" + std::to_string(::getpid()) + ".json";
  std::ofstream(path) << "[1, 2]";
  EXPECT_TRUE(ParseJsonFile(path, 6).has_value());
  const auto too_long = ParseJsonFile(path, 5);
  ASSERT_FALSE(too_long.has_value());
  EXPECT_THAT(too_long.error().message, HasSubstr("6 bytes, at most 5"));
  EXPECT_EQ(ParseJsonFile(path + ".not", 10).error().code, Code::kNotFound);
  std::remove(path.c_str());
}

TEST(DumpJson, ReplacesInvalidUtf8) {
  EXPECT_EQ(DumpJson(Json("a\xFF")), "\"a\xEF\xBF\xBD\"");
  EXPECT_EQ(DumpJson(Json("\n\"")), R"("\n\"")");
}

}  // namespace
}  // namespace weir
