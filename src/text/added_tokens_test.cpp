// SPDX-License-Identifier: Apache-2.0
#include "text/added_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

AddedTokens Tokens(const std::vector<std::string>& contents) {
  std::vector<AddedToken> tokens;
  for (const std::string& content : contents) {
    tokens.push_back({.id = static_cast<TokenId>(tokens.size()), .content = content});
  }
  return AddedTokens(std::move(tokens));
}

std::vector<std::pair<size_t, std::string>> FindAll(const AddedTokens& tokens,
                                                    std::string_view text) {
  std::vector<std::pair<size_t, std::string>> found;
  for (auto match = tokens.Find(text, 0); match;) {
    found.emplace_back(match->begin, match->token->content);
    match = tokens.Find(text, match->begin + match->token->content.size());
  }
  return found;
}

TEST(AddedTokens, TheLeftmostWins) {
  const AddedTokens tokens = Tokens({"<b>", "<a>", "a><b"});
  EXPECT_THAT(FindAll(tokens, "x<a><b>"), ElementsAre(Pair(1, "<a>"), Pair(4, "<b>")));
  EXPECT_THAT(FindAll(tokens, "a><b>"), ElementsAre(Pair(0, "a><b")));
}

TEST(AddedTokens, OfThoseThatBeginTogetherTheLongestWins) {
  const AddedTokens tokens = Tokens({"<", "<a>b", "<a>", "<a"});
  EXPECT_THAT(FindAll(tokens, "<a>b<a>c<a<"),
              ElementsAre(Pair(0, "<a>b"), Pair(4, "<a>"), Pair(8, "<a"), Pair(10, "<")));
}

TEST(AddedTokens, WhatIsNearlyATokenIsNone) {
  const AddedTokens tokens = Tokens({"<|im_start|>"});
  EXPECT_THAT(FindAll(tokens, ""), IsEmpty());
  EXPECT_THAT(FindAll(tokens, "<|im_start|"), IsEmpty());
  EXPECT_THAT(FindAll(tokens, "<|IM_START|>"), IsEmpty());
  EXPECT_THAT(FindAll(tokens, "<|<|im_start|>"), ElementsAre(Pair(2, "<|im_start|>")));
  EXPECT_THAT(FindAll(Tokens({}), "<|im_start|>"), IsEmpty());
}

TEST(AddedTokens, BytesAboveAsciiSortAsBytes) {
  const AddedTokens tokens = Tokens({"\u00E9", "e", "\u00E9\u4F60", "\xF0\x9F\x98\x80"});
  EXPECT_THAT(
      FindAll(tokens, "e\u00E9\u4F60\u00E9\U0001F600"),
      ElementsAre(Pair(0, "e"), Pair(1, "\u00E9\u4F60"), Pair(6, "\u00E9"), Pair(8, "\U0001F600")));
}

TEST(AddedTokens, OfFindsWholeContentsOnly) {
  const AddedTokens tokens = Tokens({"<a>", "<ab>"});
  ASSERT_NE(tokens.Of("<ab>"), nullptr);
  EXPECT_EQ(tokens.Of("<ab>")->id, 1);
  EXPECT_EQ(tokens.Of("<ab"), nullptr);
  EXPECT_EQ(tokens.Of(""), nullptr);
}

}  // namespace
}  // namespace weir
