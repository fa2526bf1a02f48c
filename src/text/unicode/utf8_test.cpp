// SPDX-License-Identifier: Apache-2.0
#include "text/unicode/utf8.h"

#include <gtest/gtest.h>
#include <string>

namespace weir {
namespace {

constexpr std::string_view kBad = kReplacement;

std::string Bad(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += kBad;
  return text;
}

TEST(Utf8, EveryCodePointSurvivesWritingAndReading) {
  for (uint32_t code_point = 0; code_point < 0x110000; ++code_point) {
    if (code_point >= 0xD800 && code_point < 0xE000) continue;
    std::string text;
    AppendUtf8(code_point, text);
    const Utf8Unit unit = ReadUtf8(text);
    ASSERT_EQ(unit.kind, Utf8Kind::kWhole) << code_point;
    ASSERT_EQ(static_cast<size_t>(unit.num_bytes), text.size()) << code_point;
    const CodePoint read = ReadCodePoint(text.data());
    ASSERT_EQ(read.value, code_point);
    ASSERT_EQ(read.num_bytes, text.size());
  }
}

TEST(Utf8, SurrogatesOverlongFormsAndWhatLiesAboveTheEndAreBroken) {
  // Each byte is a unit of its own, because none of these begins any well-formed character.
  EXPECT_EQ(Repaired("\xED\xA0\x80"), Bad(3));      // U+D800
  EXPECT_EQ(Repaired("\xC0\x80"), Bad(2));          // U+0000 in two bytes
  EXPECT_EQ(Repaired("\xE0\x80\xAF"), Bad(3));      // '/' in three
  EXPECT_EQ(Repaired("\xF0\x80\x80\x80"), Bad(4));  // U+0000 in four
  EXPECT_EQ(Repaired("\xF4\x90\x80\x80"), Bad(4));  // U+110000
  EXPECT_EQ(Repaired("\xF8\x88\x80\x80\x80"), Bad(5));
  EXPECT_EQ(Repaired("\xFE\xFF"), Bad(2));
}

TEST(Utf8, ABeginningThatCouldHaveGoneOnIsOneUnit) {
  EXPECT_EQ(Repaired("\xE2\x82"), Bad(1));
  EXPECT_EQ(Repaired("\xE2\x82z"), Bad(1) + "z");
  EXPECT_EQ(Repaired("\xF0\x9F\x98z"), Bad(1) + "z");
  EXPECT_EQ(Repaired("\xF0\x9F\xF0\x9F\x98\x80"), Bad(1) + "\xF0\x9F\x98\x80");
  EXPECT_EQ(Repaired("a\x80\x80z"), "a" + Bad(2) + "z");
}

TEST(Utf8, WhatIsWellFormedStays) {
  const std::string text =
      std::string(1, '\0') + "a\x7F\u0080\u07FF\u0800\uFFFF\U00010000\U0010FFFF";
  EXPECT_TRUE(IsUtf8(text));
  EXPECT_EQ(Repaired(text), text);
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_EQ(Repaired(""), "");
}

TEST(Utf8, OneBadByteIsFoundAtEveryPlace) {
  // Longer than the words in which ASCII is skipped.
  for (size_t place = 0; place < 40; ++place) {
    std::string text(40, 'a');
    text[place] = '\x80';
    EXPECT_FALSE(IsUtf8(text)) << place;
    EXPECT_EQ(SkipAscii(text, 0), place);
  }
}

TEST(Utf8, AppendRepairedLeavesACutEndToTheCaller) {
  std::string out = "x";
  EXPECT_EQ(AppendRepaired("a\xF0\x9F\x98", out), 1u);
  EXPECT_EQ(out, "xa");
  EXPECT_EQ(AppendRepaired("\xF0\x9F\x98\x80", out), 4u);
  EXPECT_EQ(out, "xa\xF0\x9F\x98\x80");
}

}  // namespace
}  // namespace weir
