// SPDX-License-Identifier: Apache-2.0
#include "text/detokenizer.h"

#include <gtest/gtest.h>
#include <random>
#include <string>
#include <vector>

#include "text/tokenizer_test_util.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

TEST(Detokenizer, ACharacterAppearsWithItsLastByte) {
  const Tokenizer tokenizer = TinyTokenizer();  // byte b has id b
  Detokenizer detokenizer(tokenizer, /*skip_special=*/true);
  EXPECT_EQ(detokenizer.Push('a'), "a");
  EXPECT_EQ(detokenizer.Push(0xF0), "");
  EXPECT_EQ(detokenizer.Push(0x9F), "");
  EXPECT_EQ(detokenizer.Push(0x98), "");
  EXPECT_EQ(detokenizer.Push(0x80), "\U0001F600");
  EXPECT_EQ(detokenizer.Push(258), "hell");
  EXPECT_EQ(detokenizer.Flush(), "");
}

TEST(Detokenizer, BytesThatCannotBecomeACharacterAreReplacedAtOnce) {
  const Tokenizer tokenizer = TinyTokenizer();
  Detokenizer detokenizer(tokenizer, /*skip_special=*/true);
  EXPECT_EQ(detokenizer.Push(0xFF), "\uFFFD");
  EXPECT_EQ(detokenizer.Push(0xE2), "");
  EXPECT_EQ(detokenizer.Push('a'), "\uFFFDa");
  EXPECT_EQ(detokenizer.Push(0xE2), "");
  EXPECT_EQ(detokenizer.Push(0x82), "");
  EXPECT_EQ(detokenizer.Push(0xE2), "\uFFFD");
  EXPECT_EQ(detokenizer.Push(0x82), "");
  EXPECT_EQ(detokenizer.Push(0xAC), "\u20AC");
}

TEST(Detokenizer, FlushReplacesWhatNeverEnded) {
  const Tokenizer tokenizer = TinyTokenizer();
  Detokenizer detokenizer(tokenizer, /*skip_special=*/true);
  detokenizer.Push(0xF0);
  detokenizer.Push(0x9F);
  EXPECT_EQ(detokenizer.Flush(), "\uFFFD") << "one character was begun";
  EXPECT_EQ(detokenizer.Flush(), "");
  EXPECT_EQ(detokenizer.Push('a'), "a") << "as new";
}

TEST(Detokenizer, SpecialTokensAreSkippedOrShown) {
  const Tokenizer tokenizer = TinyTokenizer();
  Detokenizer skips(tokenizer, /*skip_special=*/true);
  EXPECT_EQ(skips.Push(259), "");
  EXPECT_EQ(skips.Push(260), "<t>") << "an added token that is not special is text";
  Detokenizer shows(tokenizer, /*skip_special=*/false);
  EXPECT_EQ(shows.Push(259), "<s>");
}

TEST(Detokenizer, IdsWithoutTokenAreNothing) {
  const Tokenizer tokenizer = TinyTokenizer();
  Detokenizer detokenizer(tokenizer, /*skip_special=*/false);
  for (const TokenId id : {-1, 261, 1 << 30, INT32_MIN, INT32_MAX}) {
    EXPECT_EQ(detokenizer.Push(id), "") << id;
  }
}

TEST(Detokenizer, ThePiecesAreWholeCharactersAndTogetherTheDecodedText) {
  const Tokenizer tokenizer = TinyTokenizer();
  std::mt19937 random(1);
  for (int round = 0; round < 300; ++round) {
    std::vector<TokenId> ids(random() % 40);
    // Bytes of UTF-8 leads and continuations, ASCII, special tokens and ids without token.
    for (TokenId& id : ids)
      id = static_cast<TokenId>(random() % 2 ? 0x80 + random() % 0x80 : random() % 262);
    for (const bool skip_special : {false, true}) {
      Detokenizer detokenizer(tokenizer, skip_special);
      std::string pieces;
      for (const TokenId id : ids) {
        const std::string piece = detokenizer.Push(id);
        EXPECT_TRUE(IsUtf8(piece));
        pieces += piece;
      }
      EXPECT_EQ(pieces + detokenizer.Flush(), tokenizer.Decode(ids, skip_special));
    }
  }
}

}  // namespace
}  // namespace weir
