// SPDX-License-Identifier: Apache-2.0
#include "sampling/stop_matcher.h"

#include <gtest/gtest.h>
#include <random>

namespace weir {
namespace {

using Stops = std::vector<std::string>;

struct Outcome {
  std::string text;
  bool matched;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
  return out << '"' << outcome.text << "\" " << (outcome.matched ? "matched" : "not matched");
}

// What the matcher's comment promises, by looking at every end of every stop string.
Outcome Naive(const Stops& stops, const std::string& text, bool include_stop) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (text.substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return {text.substr(0, include_stop ? end : end - longest), true};
  }
  return {text, false};
}

// Pushes `text` in pieces that end after the bytes whose bit is set in `cuts`.
Outcome Stream(const Stops& stops, const std::string& text, bool include_stop, uint64_t cuts) {
  StopMatcher matcher(stops, include_stop);
  std::string out;
  std::string piece;
  for (size_t i = 0; i < text.size(); ++i) {
    piece += text[i];
    if ((cuts >> (i % 64) & 1) == 0) continue;
    out += matcher.Push(piece);
    piece.clear();
  }
  out += matcher.Push(piece);
  out += matcher.Flush();
  return {out, matcher.matched()};
}

TEST(StopMatcher, EndsBeforeTheStop) {
  StopMatcher matcher({"\nUser:"}, /*include_stop=*/false);
  EXPECT_EQ(matcher.Push("Hello"), "Hello");
  EXPECT_EQ(matcher.Push(" there.\nUs"), " there.") << "the rest may become the stop string";
  EXPECT_FALSE(matcher.matched());
  EXPECT_EQ(matcher.Push("er: hi"), "");
  EXPECT_TRUE(matcher.matched());
  EXPECT_EQ(matcher.Push("more"), "");
  EXPECT_EQ(matcher.Flush(), "");
}

TEST(StopMatcher, IncludesTheStopWhenAsked) {
  StopMatcher matcher({"END"}, /*include_stop=*/true);
  EXPECT_EQ(matcher.Push("a E"), "a ");
  EXPECT_EQ(matcher.Push("ND b"), "END") << "and nothing behind it";
  EXPECT_EQ(matcher.Push("c"), "");
}

TEST(StopMatcher, GivesBackWhatDidNotBecomeAStop) {
  StopMatcher matcher({"abcd"}, false);
  EXPECT_EQ(matcher.Push("abc"), "");
  EXPECT_EQ(matcher.Push("x"), "abcx");
  EXPECT_EQ(matcher.Push("abcab"), "abc") << "holds back only what may still become one";
  EXPECT_EQ(matcher.Flush(), "ab");
  EXPECT_EQ(matcher.Flush(), "");
}

TEST(StopMatcher, WithoutStopsEverythingPasses) {
  StopMatcher matcher({}, false);
  EXPECT_EQ(matcher.Push("abc"), "abc");
  EXPECT_EQ(matcher.Push(""), "");
  EXPECT_EQ(matcher.Flush(), "");
  EXPECT_FALSE(matcher.matched());
}

// After the end of a text the next one starts afresh: "a" + "b" is no "ab" across Flush.
TEST(StopMatcher, FlushForgets) {
  StopMatcher matcher({"ab"}, false);
  EXPECT_EQ(matcher.Push("a"), "");
  EXPECT_EQ(matcher.Flush(), "a");
  EXPECT_EQ(matcher.Push("b"), "b");
  EXPECT_FALSE(matcher.matched());
}

TEST(StopMatcher, TheOneThatEndsFirstWins) {
  EXPECT_EQ(Stream({"abcd", "bc"}, "xabcdy", false, ~0ull), (Outcome{"xa", true}));
  EXPECT_EQ(Stream({"bc", "abcd"}, "xabcdy", false, 0), (Outcome{"xa", true}))
      << "neither list order nor pieces matter";
}

TEST(StopMatcher, OfThoseThatEndTogetherTheLongestWins) {
  EXPECT_EQ(Stream({"c", "abc", "bc"}, "xabcy", false, ~0ull), (Outcome{"x", true}));
}

TEST(StopMatcher, RepeatedAndEqualStops) {
  EXPECT_EQ(Stream({"aab", "aab"}, "aaaab", false, ~0ull), (Outcome{"aa", true}));
  EXPECT_EQ(Stream({"abab"}, "abaabab", false, ~0ull), (Outcome{"aba", true}));
}

// Zero bytes and bytes that are no UTF-8 are bytes like others.
TEST(StopMatcher, AnyBytes) {
  const std::string zero("\0\0", 2);
  EXPECT_EQ(Stream({zero}, "a" + zero + "b", false, ~0ull), (Outcome{"a", true}));
  EXPECT_EQ(Stream({"\xFF"}, "a\xFE\xFF", false, ~0ull), (Outcome{"a\xFE", true}));
}

// A character may arrive one byte at a time and share its first bytes with a stop string's.
TEST(StopMatcher, NeverCutsACharacter) {
  const std::string text = "caf\u00E9 \u65E5\u672C\u8A9E \U0001F600\U0001F601!";
  const Stops stops = {"\u672D", "\U0001F601"};  // the first shares two bytes with U+672C
  StopMatcher matcher(stops, false);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    out += matcher.Push(text.substr(i, 1));
    // What is held back starts where a stop string could start: at a character.
    if (!matcher.matched() && out.size() < text.size()) {
      const bool inside = (static_cast<unsigned char>(text[out.size()]) & 0xC0) == 0x80;
      const bool all_out = out.size() == i + 1;
      EXPECT_TRUE(!inside || all_out) << out.size();
    }
  }
  EXPECT_EQ(out, "caf\u00E9 \u65E5\u672C\u8A9E \U0001F600");
  EXPECT_TRUE(matcher.matched());
}

TEST(StopMatcher, EverySplitOfShortTexts) {
  const struct {
    Stops stops;
    std::string text;
  } cases[] = {
      {{"ab"}, "aab"},           {{"aba"}, "ababab"},           {{"aab", "b"}, "aaacaab"},
      {{"abcabd"}, "abcabcabd"}, {{"cd", "bcde"}, "abcde"},     {{"xyz"}, "xyxyxxyz"},
      {{"aaa"}, "aabaabaaa"},    {{"abc", "abd"}, "ababababe"},
  };
  for (const auto& [stops, text] : cases) {
    for (const bool include : {false, true}) {
      for (uint64_t cuts = 0; cuts < uint64_t{1} << text.size(); ++cuts) {
        ASSERT_EQ(Stream(stops, text, include, cuts), Naive(stops, text, include)) << text;
      }
    }
  }
}

// Few letters, so that stop strings overlap with themselves, each other and the text all the time.
TEST(StopMatcher, RandomTextsAgreeWithNaiveSearch) {
  std::mt19937_64 random(1);
  const auto word = [&](size_t most, uint32_t letters) {
    std::string text(1 + random() % most, ' ');
    for (char& c : text) c = static_cast<char>('a' + random() % letters);
    return text;
  };
  int num_matched = 0;
  for (int round = 0; round < 20000; ++round) {
    Stops stops(random() % 5);
    for (std::string& stop : stops) stop = word(8, 2 + round % 2);
    const std::string text = word(60, 2 + round % 2);
    const Outcome want = Naive(stops, text, round % 4 == 0);
    ASSERT_EQ(Stream(stops, text, round % 4 == 0, random()), want) << text;
    num_matched += want.matched ? 1 : 0;
  }
  EXPECT_GT(num_matched, 5000);
  EXPECT_LT(num_matched, 19000) << "both outcomes are met often";
}

// The longest stop strings that a request may carry, over the text that is worst for simple search.
TEST(StopMatcher, LongStopsOverRepetitiveText) {
  const std::string almost(4095, 'a');
  const Stops stops(64, almost + "b");
  StopMatcher matcher(stops, false);
  EXPECT_EQ(matcher.Push(almost), "");
  EXPECT_EQ(matcher.Push(std::string(10000, 'a')), std::string(10000, 'a'));
  EXPECT_EQ(matcher.Push("b"), "");
  EXPECT_TRUE(matcher.matched());
}

}  // namespace
}  // namespace weir
