// SPDX-License-Identifier: Apache-2.0
#include "server/api/reasoning_splitter.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

SplitText SplitIn(const std::vector<std::string>& pieces, bool opened) {
  ReasoningSplitter splitter(opened);
  SplitText all;
  const auto add = [&](const SplitText& split) {
    all.reasoning += split.reasoning;
    all.content += split.content;
  };
  for (const std::string& piece : pieces) add(splitter.Push(piece));
  add(splitter.Flush());
  return all;
}

struct Case {
  std::string text;
  bool opened;
  std::string reasoning, content;
};

const Case kCases[] = {
    {"", false, "", ""},
    {"yes", false, "", "yes"},
    {"<think>a</think>b", false, "a", "b"},
    {"\n <think>\na\n</think>\n\nb", false, "\na\n", "\n\nb"},
    {"<think></think>b", false, "", "b"},
    {"<think>never ends </thin", false, "never ends </thin", ""},
    {"<thin", false, "", "<thin"},                            // an answer that stops there
    {"<thinker>", false, "", "<thinker>"},                    //
    {"  ", false, "", "  "},                                  //
    {"a <think>b</think>", false, "", "a <think>b</think>"},  // later tags are text
    {"<think>a</think>b<think>c</think>", false, "a", "b<think>c</think>"},
    {"<think>a<think>b</think>c", false, "a<think>b", "c"},
    {"<think>a</</think>b", false, "a</", "b"},
    {"a</think>b", true, "a", "b"},
    {"a", true, "a", ""},
    {"</think>b", true, "", "b"},
    {"a</think>b", false, "", "a</think>b"},
};

TEST(ReasoningSplitter, DoesNotDependOnHowTheTextIsCut) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.text);
    std::vector<std::vector<std::string>> cuts = {{c.text}};
    for (size_t i = 0; i <= c.text.size(); ++i) {
      for (size_t k = i; k <= c.text.size(); ++k) {
        cuts.push_back({c.text.substr(0, i), c.text.substr(i, k - i), c.text.substr(k)});
      }
    }
    cuts.emplace_back();
    for (const char byte : c.text) cuts.back().push_back(std::string(1, byte));
    for (const auto& pieces : cuts) {
      const SplitText split = SplitIn(pieces, c.opened);
      ASSERT_EQ(split.reasoning, c.reasoning);
      ASSERT_EQ(split.content, c.content);
    }
  }
}

TEST(ReasoningSplitter, HoldsBackNoMoreThanATag) {
  ReasoningSplitter splitter(false);
  EXPECT_EQ(splitter.Push("Hello").content, "Hello");
  ReasoningSplitter thinking(true);
  EXPECT_EQ(thinking.Push("ab</").reasoning, "ab");
  EXPECT_TRUE(thinking.in_reasoning());
  EXPECT_EQ(thinking.Push("b>").reasoning, "</b>");
  EXPECT_EQ(thinking.Push("</think>c").content, "c");
  EXPECT_FALSE(thinking.in_reasoning());
}

TEST(EndsInsideThink, OnlyWhereTheTagIsLast) {
  EXPECT_TRUE(EndsInsideThink("<|im_start|>assistant\n<think>\n"));
  EXPECT_TRUE(EndsInsideThink("<think>"));
  EXPECT_FALSE(EndsInsideThink("what is <think>?<|im_end|>\n<|im_start|>assistant\n"));
  EXPECT_FALSE(EndsInsideThink("<think>\n\n</think>\n\n"));
  EXPECT_FALSE(EndsInsideThink(""));
  EXPECT_FALSE(EndsInsideThink("think>"));
}

}  // namespace
}  // namespace weir
