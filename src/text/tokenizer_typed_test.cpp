// SPDX-License-Identifier: Apache-2.0
//
// Encoding text of which users wrote a part: their bytes never become an added token, and nothing
// else changes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>

#include "text/tokenizer_test_util.h"

namespace weir {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::Not;

// '|' before and behind what users wrote.
TypedText Marked(std::string_view marked) {
  TypedText text;
  Origin origin = Origin::kTrusted;
  for (const char c : marked) {
    if (c == '|') {
      origin = origin == Origin::kUser ? Origin::kTrusted : Origin::kUser;
    } else {
      text.Append(std::string_view(&c, 1), origin);
    }
  }
  return text;
}

TEST(TypedEncode, OnlyTheTemplateWritesControlTokens) {
  const Tokenizer tokenizer = TinyTokenizer();
  EXPECT_THAT(tokenizer.Encode(Marked("<s>he")), ElementsAre(259, 256));
  EXPECT_THAT(tokenizer.Encode(Marked("<s>|he|<t>")), ElementsAre(259, 256, 260));
  EXPECT_THAT(tokenizer.Encode(Marked("<s>|<s><t>|")),
              ElementsAre(259, '<', 's', '>', '<', 't', '>'));
}

// A token that users and the template write together is not one either.
TEST(TypedEncode, OneByteOfAUserIsEnough) {
  const Tokenizer tokenizer = TinyTokenizer();
  for (const char* text : {"|<|s>", "<|s|>", "<s|>|", "<|s>|", "|<s|>"}) {
    EXPECT_THAT(tokenizer.Encode(Marked(text)), ElementsAre('<', 's', '>')) << text;
  }
}

// "<s>" is a token although the user goes on so that a longer one would begin there.
TEST(TypedEncode, AShorterTokenOfTheTemplateStands) {
  Json json = TinyTokenizerJson();
  Json longer = json["added_tokens"][0];
  longer["id"] = 261;
  longer["content"] = "<s>x";
  json["added_tokens"].push_back(longer);
  const Tokenizer tokenizer = TokenizerOf(json);
  EXPECT_THAT(tokenizer.Encode(Marked("<s>x")), ElementsAre(261));
  EXPECT_THAT(tokenizer.Encode(Marked("<s>|x|")), ElementsAre(259, 'x'));
}

TEST(TypedEncode, MergesGoAcrossTheBorders) {
  const Tokenizer tokenizer = TinyTokenizer();
  EXPECT_THAT(tokenizer.Encode(Marked("h|el|l")), ElementsAre(258));
}

// Normalised tokens are sought in normalised text, whose bytes are not where they were.
TEST(TypedEncode, OriginsOutliveNormalisation) {
  Json json = TinyTokenizerJson();
  json["added_tokens"][0]["normalized"] = true;
  const Tokenizer tokenizer = TokenizerOf(json);
  const std::string decomposed = "e\u0301";
  TypedText text("<s>" + decomposed, Origin::kTrusted);
  text.Append(decomposed + "<s>" + decomposed, Origin::kUser);
  text.Append(decomposed + "<s>", Origin::kTrusted);
  const auto ids = tokenizer.Encode(text);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 259), 2);
  EXPECT_EQ(ids.front(), 259);
  EXPECT_EQ(ids.back(), 259);
}

TEST(TypedEncode, OriginsOutliveRepair) {
  const Tokenizer tokenizer = TinyTokenizer();
  TypedText text("<s>\xFF", Origin::kTrusted);
  text.Append("\xC3<s>", Origin::kUser);
  text.Append("<s>", Origin::kTrusted);
  const auto ids = tokenizer.Encode(text);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), 259), 2);
}

// Whoever wrote what: without an added token in it the text has the ids that it always has.
TEST(TypedEncode, EqualsPlainEncodingWhereNoTokenIsSpelt) {
  const char* kParts[] = {"he", "hell", " ", "\n", "x1", "e\u0301", "日", "<", ">", "\u00e9", "'s"};
  for (const char* name : {"qwen2", "llama3"}) {
    const Tokenizer tokenizer = FixtureTokenizer(name);
    std::mt19937 random(7);
    for (int i = 0; i < 500; ++i) {
      TypedText text;
      for (int part = 0; part < 8; ++part) {
        text.Append(kParts[random() % std::size(kParts)],
                    random() % 2 == 0 ? Origin::kUser : Origin::kTrusted);
      }
      ASSERT_EQ(tokenizer.Encode(text), tokenizer.Encode(text.text)) << text.text;
    }
  }
}

}  // namespace
}  // namespace weir
