// SPDX-License-Identifier: Apache-2.0
//
// Ids and texts recorded from Hugging Face tokenizers by tools/tokenizer_oracle/make_fixtures.py.
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/json.h"
#include "text/detokenizer.h"
#include "text/tokenizer_test_util.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

std::string FromHex(const std::string& hex) {
  std::string bytes;
  for (size_t i = 0; i < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

class TokenizerOracle : public testing::TestWithParam<const char*> {};

TEST_P(TokenizerOracle, EqualsHuggingFace) {
  const std::string name = GetParam();
  const Tokenizer tokenizer = FixtureTokenizer(name);
  const auto cases = ParseJson(TokenizerFixture(name + ".cases.json"), name);
  ASSERT_TRUE(cases) << cases.error().message;
  ASSERT_GE(cases->size(), 100u);
  for (const Json& one : *cases) {
    SCOPED_TRACE(one.dump());
    const std::string input =
        one[0].is_string() ? one[0].get<std::string>() : FromHex(one[0]["hex"]);
    const std::vector<TokenId> ids = one[2];
    EXPECT_EQ(tokenizer.Encode(input, one[1]), ids);
    const std::string text = one[3].is_null() ? input : one[3].get<std::string>();
    EXPECT_EQ(tokenizer.Decode(ids, /*skip_special=*/false), text);
    const std::string plain = one[4].is_null() ? text : one[4].get<std::string>();
    EXPECT_EQ(tokenizer.Decode(ids, /*skip_special=*/true), plain);
    for (const bool skip_special : {false, true}) {
      Detokenizer detokenizer(tokenizer, skip_special);
      std::string pieces;
      for (const TokenId id : ids) {
        const std::string piece = detokenizer.Push(id);
        EXPECT_TRUE(IsUtf8(piece));
        pieces += piece;
      }
      EXPECT_EQ(pieces + detokenizer.Flush(), skip_special ? plain : text);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Fixtures, TokenizerOracle,
    testing::Values("qwen2",   // NFC, merges as pairs, special and other added tokens
                    "llama3",  // three digits to a piece, ignore_merges, no normaliser
                    "gpt2",  // ByteLevel's own rule, merges as strings, <|endoftext|> in the model
                    "fused_unknown",  // bytes without token, merges in an unnatural order
                    "unknown"),       // as before, each unknown byte for itself
    [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace weir
