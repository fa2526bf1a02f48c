// SPDX-License-Identifier: Apache-2.0
#include "server/api/field_reader.h"

#include <gtest/gtest.h>
#include <set>

namespace weir {
namespace {

Json Of(const std::string& text) { return Json::parse(text, nullptr, false); }

TEST(FieldReader, ReadsWhatIsThereAndNullIsAbsent) {
  const Json json =
      Of(R"({"n": 2, "temperature": 0.5, "stream": true, "user": "u", "seed": null})");
  FieldReader fields(json, kChatBody);
  EXPECT_EQ(fields.Int("n"), 2);
  EXPECT_EQ(fields.Number("temperature"), 0.5f);
  EXPECT_EQ(fields.Bool("stream"), true);
  EXPECT_EQ(fields.String("user"), "u");
  EXPECT_EQ(fields.Int("seed"), std::nullopt);
  EXPECT_EQ(fields.Int("top_k"), std::nullopt);
  EXPECT_TRUE(fields.ok());
}

TEST(FieldReader, KeepsTheFirstErrorAndReadsNothingAfterIt) {
  const Json json = Of(R"({"n": 0, "temperature": -1, "stream": true})");
  FieldReader fields(json, kChatBody);
  fields.Int("n");
  fields.Number("temperature");
  EXPECT_EQ(fields.Bool("stream"), std::nullopt);
  ASSERT_FALSE(fields.ok());
  EXPECT_EQ(fields.error().param, "n");
  EXPECT_EQ(fields.error().message, "n: 0, wanted an integer from 1 to 1024");
}

TEST(FieldReader, ACallerMayLowerALimit) {
  const Json json = Of(R"({"n": 5})");
  FieldReader fields(json, kChatBody);
  fields.Int("n", 4);
  EXPECT_EQ(fields.error().message, "n: 5, wanted an integer from 1 to 4");
}

TEST(FieldReader, CountsUnknownFieldsByBody) {
  const Json json = Of(R"({"messages": [], "echo": true, "foo": 1})");
  EXPECT_EQ(FieldReader(json, kChatBody).num_unknown(), 2) << "chats know no echo";
  EXPECT_EQ(FieldReader(json, kCompletionBody).num_unknown(), 2);
}

TEST(FieldReader, RefusesWhatIsKnownAndNotSupported) {
  const Json json = Of(R"({"tools": [{}]})");
  FieldReader fields(json, kChatBody);
  ASSERT_FALSE(fields.ok());
  EXPECT_EQ(fields.error().param, "tools");
  const Json harmless = Of(R"({"tools": [], "tool_choice": "none", "best_of": null})");
  EXPECT_TRUE(FieldReader(harmless, kChatBody).ok());
}

TEST(IntOf, TakesIntegersOf64BitsOnly) {
  EXPECT_EQ(IntOf(Of("9223372036854775807")), INT64_MAX);
  EXPECT_EQ(IntOf(Of("-9223372036854775808")), INT64_MIN);
  EXPECT_EQ(IntOf(Of("9223372036854775808")), std::nullopt);
  EXPECT_EQ(IntOf(Of("18446744073709551616")), std::nullopt);
  EXPECT_EQ(IntOf(Of("5.0")), 5);
  EXPECT_EQ(IntOf(Of("5.5")), std::nullopt);
  EXPECT_EQ(IntOf(Of("1e15")), 1000000000000000);
  EXPECT_EQ(IntOf(Of("1e300")), std::nullopt);
  EXPECT_EQ(IntOf(Of("true")), std::nullopt);
  EXPECT_EQ(IntOf(Of("\"5\"")), std::nullopt);
}

TEST(ShortJson, NeverQuotesMuchAndNeverHalfACharacter) {
  EXPECT_EQ(ShortJson(Of("[1]")), "an array");
  EXPECT_EQ(ShortJson(Json("abc")), "\"abc\"");
  std::string text;
  for (int i = 0; i < 100; ++i) text += "é";
  for (int shift = 0; shift < 3; ++shift) {
    const std::string shown = ShortJson(Json(std::string(static_cast<size_t>(shift), 'a') + text));
    EXPECT_LE(shown.size(), 63u);
    EXPECT_FALSE(Json::parse("\"" + shown.substr(1) + "\"", nullptr, false).is_discarded());
  }
}

// A table that nobody could read right.
TEST(FieldSpecs, NameEachFieldOncePerBodyAndShapesAreJson) {
  for (const Body body : {kCompletionBody, kChatBody, kTokenizeBody, kDetokenizeBody}) {
    std::set<std::string_view> names;
    for (const FieldSpec& spec : FieldSpecs()) {
      if ((spec.bodies & body) == 0) continue;
      EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
      EXPECT_FALSE(spec.about.empty()) << spec.name;
    }
  }
  for (const FieldSpec& spec : FieldSpecs()) {
    EXPECT_LE(spec.low, spec.high) << spec.name;
    if (spec.shape.empty()) continue;
    const Json shape = Json::parse(spec.shape, nullptr, false);
    EXPECT_EQ(shape.is_array(), spec.kind == FieldKind::kRefused) << spec.name;
    EXPECT_EQ(shape.is_object(), spec.kind == FieldKind::kShaped) << spec.name;
  }
}

}  // namespace
}  // namespace weir
