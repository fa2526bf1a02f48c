// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <thread>
#include <vector>

#include "text/tokenizer_test_util.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Ids = std::vector<TokenId>;

TEST(Tokenizer, MergesInsidePieces) {
  const Tokenizer tokenizer = TinyTokenizer();
  EXPECT_THAT(tokenizer.Encode(""), IsEmpty());
  EXPECT_THAT(tokenizer.Encode("hello"), ElementsAre(258, 'o'));
  EXPECT_THAT(tokenizer.Encode("he'll"), ElementsAre(256, '\'', 257));
  EXPECT_THAT(tokenizer.Encode("h e"), ElementsAre('h', ' ', 'e'));
}

TEST(Tokenizer, TextIsNormalisedBetweenAddedTokens) {
  const Tokenizer tokenizer = TinyTokenizer();
  EXPECT_EQ(tokenizer.Encode("e\u0301"), tokenizer.Encode("\u00E9"));
  EXPECT_THAT(tokenizer.Encode("<s>\u0301"), ElementsAre(259, 0xCC, 0x81)) << "no letter before";
  Json json = TinyTokenizerJson();
  json["normalizer"] = nullptr;
  EXPECT_THAT(TokenizerOf(json).Encode("e\u0301"), ElementsAre('e', 0xCC, 0x81));
}

TEST(Tokenizer, SpecialTokensAreTextWhenTheyAreNotToBeParsed) {
  const Tokenizer tokenizer = TinyTokenizer();
  EXPECT_THAT(tokenizer.Encode("<s>a<t>"), ElementsAre(259, 'a', 260));
  EXPECT_THAT(tokenizer.Encode("<s>a<t>", /*parse_special=*/false),
              ElementsAre('<', 's', '>', 'a', 260))
      << "a request's text cannot forge markup; other added tokens stay tokens";
}

TEST(Tokenizer, BrokenUtf8IsReplaced) {
  const Tokenizer tokenizer = TinyTokenizer();
  EXPECT_THAT(tokenizer.Encode("\xFF"), ElementsAre(0xEF, 0xBF, 0xBD));
  EXPECT_EQ(tokenizer.Encode("a\xE2\x82z"), tokenizer.Encode("a\uFFFDz"));
  EXPECT_EQ(tokenizer.Encode("<s>\xC3"), tokenizer.Encode("<s>\uFFFD"));
  EXPECT_EQ(tokenizer.Encode(std::string("\0a", 2)), Ids({0, 'a'}));
}

TEST(Tokenizer, DecodeGivesTheBytesBack) {
  const Tokenizer tokenizer = TinyTokenizer();
  const std::string text = "hello <s>\u00FC\U0001F600\n<t>";
  EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text), /*skip_special=*/false), text);
  EXPECT_EQ(tokenizer.Decode(tokenizer.Encode(text), /*skip_special=*/true),
            "hello \u00FC\U0001F600\n<t>");
  EXPECT_EQ(tokenizer.Decode(Ids({0xF0, 0x9F, 259, 'a'}), true), "\uFFFDa");
  EXPECT_EQ(tokenizer.Decode(Ids({-1, 'a', 1000000}), false), "a");
}

TEST(Tokenizer, TellsAboutItsTokens) {
  const Tokenizer tokenizer = TinyTokenizer();
  EXPECT_EQ(tokenizer.vocab_size(), 261);
  EXPECT_EQ(tokenizer.IdOf("<s>"), 259);
  EXPECT_EQ(tokenizer.IdOf("hell"), 258);
  EXPECT_EQ(tokenizer.IdOf(" "), ' ') << "bytes, not their printable forms";
  EXPECT_EQ(tokenizer.IdOf("hel"), std::nullopt);
  EXPECT_EQ(tokenizer.IdOf(""), std::nullopt);
  EXPECT_EQ(tokenizer.BytesOf(258), "hell");
  EXPECT_EQ(tokenizer.BytesOf(0xFF), "\xFF");
  EXPECT_EQ(tokenizer.BytesOf(259), "<s>");
  EXPECT_EQ(tokenizer.BytesOf(261), "");
  EXPECT_EQ(tokenizer.BytesOf(-1), "");
  EXPECT_TRUE(tokenizer.IsSpecial(259));
  EXPECT_FALSE(tokenizer.IsSpecial(260));
  EXPECT_FALSE(tokenizer.IsSpecial(-1));
}

TEST(Tokenizer, ATokenThatNoMergeMakesIsUsedOnlyWithIgnoreMerges) {
  Json json = TinyTokenizerJson();
  json["model"]["vocab"]["olleh"] = 261;
  EXPECT_EQ(TokenizerOf(json).Encode("olleh"), Ids({'o', 257, 'e', 'h'}));
  json["model"]["ignore_merges"] = true;
  EXPECT_EQ(TokenizerOf(json).Encode("olleh"), Ids({261}));
  EXPECT_EQ(TokenizerOf(json).Encode("ollehs"), Ids({'o', 257, 'e', 'h', 's'}));
}

TEST(Tokenizer, IdsMayHaveHoles) {
  Json json = TinyTokenizerJson();
  json["added_tokens"][0]["id"] = 400;
  const Tokenizer tokenizer = TokenizerOf(json);
  EXPECT_EQ(tokenizer.vocab_size(), 401);
  EXPECT_EQ(tokenizer.BytesOf(399), "");
  EXPECT_EQ(tokenizer.Encode("<s>"), Ids({400}));
}

// Hostile texts: whatever is repeated, the work is a few steps per byte.
TEST(Tokenizer, EncodingIsLinear) {
  const Tokenizer tokenizer = FixtureTokenizer("qwen2");
  for (const std::string unit :
       {"a",      " ",      "\n",   "e",    "\U0001F600", "\u0301", "\u0323\u0301",
        "\u1100", "\u4F60", "\xFF", "\xF0", "<",          "<|im_",  "'",
        "ab ",    "the ",   " \n",  "0",    "-",          "=",      "e\u0301"}) {
    std::string text;
    while (text.size() < (size_t{1} << 18)) text += unit;
    EncodeStats stats;
    const Ids ids = tokenizer.Encode(text, true, &stats);
    EXPECT_LE(ids.size(), 3 * text.size()) << unit;
    // Broken bytes triple in length, a byte is scanned at most four times (piece_cutter_test) and
    // takes at most eight steps (bpe_test).
    EXPECT_LE(stats.bytes_scanned, static_cast<int64_t>(3 * 4 * text.size())) << unit;
    EXPECT_LE(stats.merge_steps, static_cast<int64_t>(3 * 8 * text.size())) << unit;
  }
}

// Run under the thread sanitizer: encoding and decoding share the tokenizer without locks.
TEST(Tokenizer, ManyThreadsShareOne) {
  const Tokenizer tokenizer = FixtureTokenizer("qwen2");
  const std::string text = "The river rose e\u0301 <|im_start|> \xFF in the night. \U0001F600";
  const Ids wanted = tokenizer.Encode(text);
  std::vector<Ids> found(4);
  std::vector<std::thread> threads;
  for (Ids& ids : found) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i)
        ids = tokenizer.Encode(tokenizer.Decode(tokenizer.Encode(text), false));
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const Ids& ids : found) EXPECT_EQ(ids, wanted);
}

}  // namespace
}  // namespace weir
