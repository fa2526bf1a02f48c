// SPDX-License-Identifier: Apache-2.0
#include "text/piece_cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Cut(std::string_view text, PieceRule rule = PieceRule::kQwen2) {
  std::vector<std::string> pieces;
  PieceCutter cutter(rule, text);
  for (auto piece = cutter.Next(); !piece.empty(); piece = cutter.Next()) {
    pieces.emplace_back(piece);
  }
  return pieces;
}

TEST(PieceCutter, AWordTakesTheSpaceBeforeIt) {
  EXPECT_THAT(Cut(""), IsEmpty());
  EXPECT_THAT(Cut("Hello world"), ElementsAre("Hello", " world"));
  EXPECT_THAT(Cut("(Hello)\tworld"), ElementsAre("(Hello", ")", "\tworld"));
  EXPECT_THAT(Cut("\u00FCber \u4F60\u597D"), ElementsAre("\u00FCber", " \u4F60\u597D"));
}

TEST(PieceCutter, OfSeveralSpacesTheWordTakesOne) {
  EXPECT_THAT(Cut("a   b"), ElementsAre("a", "  ", " b"));
  EXPECT_THAT(Cut("a   "), ElementsAre("a", "   "));
  EXPECT_THAT(Cut("   1"), ElementsAre("  ", " ", "1"));
  EXPECT_THAT(Cut("a \u3000b"), ElementsAre("a", " ", "\u3000b"));
}

TEST(PieceCutter, LineBreaksEndARunOfSpaces) {
  EXPECT_THAT(Cut("a \n\n b"), ElementsAre("a", " \n\n", " b"));
  EXPECT_THAT(Cut("a\n  \nb"), ElementsAre("a", "\n  \n", "b"));
  EXPECT_THAT(Cut(" \t\r\n\t x"), ElementsAre(" \t\r\n", "\t", " x"));
  EXPECT_THAT(Cut("\n"), ElementsAre("\n"));
}

TEST(PieceCutter, PunctuationTakesTheBreaksAfterIt) {
  EXPECT_THAT(Cut("end.\n\nNext"), ElementsAre("end", ".\n\n", "Next"));
  EXPECT_THAT(Cut("a ...\r\n b"), ElementsAre("a", " ...\r\n", " b"));
  EXPECT_THAT(Cut("!?a"), ElementsAre("!?", "a"));
}

TEST(PieceCutter, ContractionsComeBeforeEverythingElse) {
  EXPECT_THAT(Cut("it's WE'LL"), ElementsAre("it", "'s", " WE", "'LL"));
  EXPECT_THAT(Cut("'sabc"), ElementsAre("'s", "abc"));
  EXPECT_THAT(Cut("'rabc"), ElementsAre("'rabc"));
  EXPECT_THAT(Cut("''s"), ElementsAre("''", "s"));
  EXPECT_THAT(Cut("'l"), ElementsAre("'l"));
  EXPECT_THAT(Cut("'"), ElementsAre("'"));
  EXPECT_THAT(Cut("'\u017Fa"), ElementsAre("'\u017F", "a")) << "long s is s, ignoring case";
}

TEST(PieceCutter, DigitsStandAloneOrInThrees) {
  EXPECT_THAT(Cut("a1234"), ElementsAre("a", "1", "2", "3", "4"));
  EXPECT_THAT(Cut("a1234", PieceRule::kLlama3), ElementsAre("a", "123", "4"));
  EXPECT_THAT(Cut("1\u0663\u2167\u00BD", PieceRule::kLlama3),
              ElementsAre("1\u0663\u2167", "\u00BD"));
  EXPECT_THAT(Cut("a 1234", PieceRule::kGpt2), ElementsAre("a", " 1234"));
}

TEST(PieceCutter, Gpt2KnowsNeitherCaseNorLineBreaks) {
  EXPECT_THAT(Cut("IT'S it's", PieceRule::kGpt2), ElementsAre("IT", "'", "S", " it", "'s"));
  EXPECT_THAT(Cut("a.\n\n b", PieceRule::kGpt2), ElementsAre("a", ".", "\n\n", " b"));
  EXPECT_THAT(Cut("(a", PieceRule::kGpt2), ElementsAre("(", "a"));
  EXPECT_THAT(Cut("\ta", PieceRule::kGpt2), ElementsAre("\t", "a"));
}

TEST(PieceCutter, ControlCharactersAndUnassignedOnesAreLikePunctuation) {
  EXPECT_THAT(Cut(std::string_view("a\0\x1C!", 4)), ElementsAre("a", std::string("\0\x1C!", 3)));
  EXPECT_THAT(Cut("\U0010FFFF\u0378"), ElementsAre("\U0010FFFF\u0378"));
  EXPECT_THAT(Cut("\u200B\u180E"), ElementsAre("\u200B\u180E")) << "no white space";
}

// Hostile runs must not be read again and again.
TEST(PieceCutter, EveryByteIsLookedAtAFewTimes) {
  for (const PieceRule rule : {PieceRule::kQwen2, PieceRule::kLlama3, PieceRule::kGpt2}) {
    for (const std::string unit :
         {"a", " ", "\n", " \n", "\n ", "1", "!", "'", "'l", " !", "! ", "a ", "\U0001F600",
          "\u0301", "\u3000", "  a", "!\n", "'\u017F"}) {
      std::string text;
      while (text.size() < 100000) text += unit;
      PieceCutter cutter(rule, text);
      size_t num_bytes = 0;
      for (auto piece = cutter.Next(); !piece.empty(); piece = cutter.Next()) {
        num_bytes += piece.size();
      }
      EXPECT_EQ(num_bytes, text.size()) << unit;
      // Each run is read once, once more after its last line break was cut off, and one byte on.
      EXPECT_LE(cutter.num_scanned(), static_cast<int64_t>(4 * text.size())) << unit;
    }
  }
}

TEST(RuleOfPattern, KnowsTheThreeExpressionsOnly) {
  EXPECT_EQ(RuleOfPattern(R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)"
                          R"(|\s+(?!\S)|\s+)"),
            PieceRule::kGpt2);
  EXPECT_EQ(RuleOfPattern(""), std::nullopt);
  EXPECT_EQ(RuleOfPattern(R"(\s+)"), std::nullopt);
}

}  // namespace
}  // namespace weir
