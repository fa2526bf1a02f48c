// SPDX-License-Identifier: Apache-2.0
//
// More, against Hugging Face tokenizers, in tokenizer_oracle_test.cpp and tools/unicode_tables.
#include "text/unicode/nfc.h"

#include <gtest/gtest.h>
#include <string>

#include "text/unicode/unicode_tables.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

std::string Nfc(std::string_view text) {
  std::string buffer;
  return std::string(ToNfc(text, buffer));
}

std::string OneChar(uint32_t code_point) {
  std::string text;
  AppendUtf8(code_point, text);
  return text;
}

TEST(Nfc, MarksJoinTheLetterBeforeThem) {
  EXPECT_EQ(Nfc("e\u0301"), "\u00E9");
  EXPECT_EQ(Nfc("xe\u0301y"), "x\u00E9y");
  EXPECT_EQ(Nfc("e\u0301e\u0301"), "\u00E9\u00E9");
  EXPECT_EQ(Nfc("\u0301e"), "\u0301e") << "nothing stands before the mark";
  EXPECT_EQ(Nfc("q\u0301"), "q\u0301") << "there is no such letter";
}

TEST(Nfc, MarksOfDifferentClassesAreSorted) {
  EXPECT_EQ(Nfc("q\u0307\u0323"), "q\u0323\u0307");  // above, below -> below, above
  EXPECT_EQ(Nfc("D\u0307\u0323"), "\u1E0C\u0307");   // the lower one joins
  EXPECT_EQ(Nfc("\u1E0A\u0323"), "\u1E0C\u0307");    // D with dot above, then dot below
  EXPECT_EQ(Nfc("a\u0301\u0300"), "\u00E1\u0300");   // equal classes keep their order
}

TEST(Nfc, AMarkIsBlockedByOneOfItsOwnClass) {
  EXPECT_EQ(Nfc("a\u0305\u0301"), "a\u0305\u0301");
  EXPECT_EQ(Nfc("a\u0323\u0301"), "\u1EA1\u0301");
}

TEST(Nfc, HangulIsComposedByArithmetic) {
  EXPECT_EQ(Nfc("\u1100\u1161"), "\uAC00");
  EXPECT_EQ(Nfc("\u1100\u1161\u11A8"), "\uAC01");
  EXPECT_EQ(Nfc("\uAC00\u11A8"), "\uAC01");
  EXPECT_EQ(Nfc("\uAC01\u11A8"), "\uAC01\u11A8") << "it has a final consonant already";
  EXPECT_EQ(Nfc("\uAC00\u11A7"), "\uAC00\u11A7") << "U+11A7 is no final consonant";
  EXPECT_EQ(Nfc("\u1161\u11A8"), "\u1161\u11A8");
}

TEST(Nfc, SingletonsAndExclusionsDecomposeForGood) {
  EXPECT_EQ(Nfc("\u212B"), "\u00C5");
  EXPECT_EQ(Nfc("\u2126"), "\u03A9");
  EXPECT_EQ(Nfc("\u0958"), "\u0915\u093C");
  EXPECT_EQ(Nfc("\uFB1D"), "\u05D9\u05B4");
}

TEST(Nfc, CleanTextIsNotCopied) {
  std::string buffer = "untouched";
  for (const std::string_view text :
       {"", "plain ASCII", "\u00E9t\u00E9", "\u4F60\u597D", "q\u0315", "\uD55C\uAD6D"}) {
    EXPECT_EQ(ToNfc(text, buffer).data(), text.data()) << text;
  }
  EXPECT_EQ(buffer, "untouched");
}

TEST(Nfc, ItIsStableForEveryCodePointAlone) {
  for (uint32_t code_point = 0; code_point < 0x110000; ++code_point) {
    if (code_point >= 0xD800 && code_point < 0xE000) continue;
    const std::string once = Nfc(OneChar(code_point));
    ASSERT_EQ(Nfc(once), once) << code_point;
    // The quick look and the tables agree on whether anything is to be done.
    const bool changes = once != OneChar(code_point);
    ASSERT_TRUE(!changes || (CharEntry(code_point) & kNfcUnsure) != 0) << code_point;
  }
}

TEST(Nfc, EveryCompositeComesFromItsParts) {
  for (const Composition& entry : Compositions()) {
    ASSERT_EQ(Nfc(OneChar(entry.first) + OneChar(entry.second)), OneChar(entry.composed));
  }
  for (uint32_t syllable = 0xAC00; syllable < 0xAC00 + 11172; ++syllable) {
    const uint32_t index = syllable - 0xAC00;
    std::string parts = OneChar(0x1100 + index / 588) + OneChar(0x1161 + index / 28 % 21);
    if (index % 28 != 0) parts += OneChar(0x11A7 + index % 28);
    ASSERT_EQ(Nfc(parts), OneChar(syllable));
  }
}

TEST(Nfc, AVeryLongRunOfMarksIsSorted) {
  std::string text = "a";
  for (int i = 0; i < 100000; ++i) text += i % 2 == 0 ? "\u0315" : "\u0316";  // classes 232, 220
  std::string wanted = "a";
  for (int i = 0; i < 50000; ++i) wanted += "\u0316";
  for (int i = 0; i < 50000; ++i) wanted += "\u0315";
  EXPECT_EQ(Nfc(text), wanted);
}

}  // namespace
}  // namespace weir
