// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Shown(std::string_view text) {
  const auto groups = ParseRows(text);
  if (!groups) return groups.error().message;
  std::string shown;
  for (const RowGroup& group : *groups) shown += (shown.empty() ? "" : "; ") + Describe(group);
  return shown;
}

TEST(PlanRows, GoodOnes) {
  const struct {
    const char* text;
    const char* meaning;
  } good[] = {
      {"8x2500", "8 decodes at 2500"},
      {"1x1", "1 decode at 1"},
      {"1x512+2000", "1 prefill of 512 after 2000"},
      {"2x512+0", "2 prefills of 512"},
      {"1x1+0", "1 prefill of 1"},
      {"8x2500,1x512+2000", "8 decodes at 2500; 1 prefill of 512 after 2000"},
      {"1x128k,31x1k", "1 decode at 131072; 31 decodes at 1024"},
      {"1K x 2K", "1024 decodes at 2048"},
      {"1x1k+2k", "1 prefill of 1024 after 2048"},
      {" 8 x 2500 ,\t1 x 512 + 2000\n", "8 decodes at 2500; 1 prefill of 512 after 2000"},
      {"0008x02500", "8 decodes at 2500"},
      {"1048576x1", "1048576 decodes at 1"},
      {"1024k x 1", "1048576 decodes at 1"},
      {"1x1024k+0", "1 prefill of 1048576"},
      {"1x16777216", "1 decode at 16777216"},
      {"1x1+16777215", "1 prefill of 1 after 16777215"},
  };
  for (const auto& [text, meaning] : good) EXPECT_EQ(Shown(text), meaning) << text;
}

TEST(PlanRows, BadOnesAreRefusedWhereTheyGoWrong) {
  const struct {
    const char* text;
    const char* message;
  } bad[] = {
      {"", "character 1: found the end, wanted 1 to 1048576 sequences"},
      {"   ", "character 4: found the end, wanted 1 to 1048576 sequences"},
      {"8", "character 2: found the end, wanted x"},
      {"8*2500", "character 2: found \"*\", wanted x"},
      {"8X2500", "character 2: found \"X\", wanted x"},
      {"8 2500", "character 3: found \"2500\", wanted x"},
      {"x2500", "character 1: found \"x\", wanted 1 to 1048576 sequences"},
      {"8x", "character 3: found the end, wanted 1 to 16777216 tokens"},
      {"0x2500", "character 1: found \"0\", wanted 1 to 1048576 sequences"},
      {"8x0", "character 3: found \"0\", wanted 1 to 16777216 tokens"},
      {"8x0+5", "character 3: found \"0\", wanted 1 to 16777216 tokens"},
      {"-8x2500", "character 1: found \"-\", wanted 1 to 1048576 sequences"},
      {"8x-1", "character 3: found \"-\", wanted 1 to 16777216 tokens"},
      {"8x+5", "character 3: found \"+\", wanted 1 to 16777216 tokens"},
      {"1x512+", "character 7: found the end, wanted 0 to 16776704 cached tokens"},
      {"1x512+-1", "character 7: found \"-\", wanted 0 to 16776704 cached tokens"},
      {"1x512+2000+1", "character 11: found \"+\", wanted a comma or the end"},
      {"8x2500,", "character 8: found the end, wanted 1 to 1048576 sequences"},
      {",8x2500", "character 1: found \",\", wanted 1 to 1048576 sequences"},
      {"8x2500,,1x1", "character 8: found \",\", wanted 1 to 1048576 sequences"},
      {"8x2500;1x1", "character 7: found \";\", wanted +, a comma or the end"},
      {"8x2500 1x1", "character 8: found \"1\", wanted +, a comma or the end"},
      {"8x2.5k", "character 4: found \".\", wanted +, a comma or the end"},
      {"8x1kk", "character 5: found \"k\", wanted +, a comma or the end"},
      {"8x1m", "character 4: found \"m\", wanted +, a comma or the end"},
      {"8xk", "character 3: found \"k\", wanted 1 to 16777216 tokens"},
      {"1048577x1", "character 1: found \"1048577\", wanted 1 to 1048576 sequences"},
      {"1025kx1", "character 1: found \"1025k\", wanted 1 to 1048576 sequences"},
      {"1x16777217", "character 3: found \"16777217\", wanted 1 to 16777216 tokens"},
      {"1x16385k", "character 3: found \"16385k\", wanted 1 to 16777216 tokens"},
      {"1x1025k+0", "character 3: found \"1025k\", wanted 1 to 1048576 new tokens"},
      {"1x1k+16777216", "character 6: found \"16777216\", wanted 0 to 16776192 cached tokens"},
      {"1x99999999999999999999999999999",
       "character 3: found \"999999999999999999999999...\", wanted 1 to 16777216 tokens"},
      {"1048576x1,1x1",
       "character 11: found 1048577 new tokens up to this group, wanted at most 1048576"},
      {"1024x1024+0,1x1+0",
       "character 13: found 1048577 new tokens up to this group, wanted at most 1048576"},
      {"8x25\x1b[31m", "character 5: found byte 0x1b, wanted +, a comma or the end"},
      {"8\xc3\x97"
       "2500",
       "character 2: found byte 0xc3, wanted x"},
  };
  for (const auto& [text, message] : bad) {
    EXPECT_EQ(Shown(text), std::string("--rows: ") + message) << text;
  }
  EXPECT_EQ(Shown(std::string_view("8x\0", 3)),
            "--rows: character 3: found byte 0x00, wanted 1 to 16777216 tokens");
}

TEST(PlanRows, TheStepHasOneEntryPerSequence) {
  const auto groups = ParseRows("2x100,1x30+50,1x7");
  const auto step = MakeStep(*groups, 0);
  ASSERT_TRUE(step.has_value());
  EXPECT_THAT(step->row_begin, ElementsAre(0, 1, 2, 32, 33));
  EXPECT_THAT(step->kv_len, ElementsAre(100, 100, 80, 7));
  const AttnBatch batch = step->batch();
  EXPECT_EQ(batch.num_seqs(), 4);
  EXPECT_EQ(batch.q_len(2), 30);
  EXPECT_EQ(batch.cached(2), 50);
  EXPECT_TRUE(batch.pages.empty());
}

TEST(PlanRows, DecodesShareTheWholePagesOfAPrefix) {
  const auto groups = ParseRows("2x100,1x30+50,1x64");
  const auto step = MakeStep(*groups, 40);  // two whole pages of 16, half of the third is not
  ASSERT_TRUE(step.has_value());
  EXPECT_THAT(step->page_begin, ElementsAre(0, 7, 14, 19, 23));
  const auto pages = [&](int32_t seq) {
    return std::vector<int32_t>(step->pages.begin() + step->page_begin[seq],
                                step->pages.begin() + step->page_begin[seq + 1]);
  };
  EXPECT_THAT(pages(0), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(pages(1), ElementsAre(0, 1, 7, 8, 9, 10, 11));
  EXPECT_THAT(pages(2), ElementsAre(12, 13, 14, 15, 16)) << "a prefill shares nothing";
  EXPECT_THAT(pages(3), ElementsAre(0, 1, 17, 18));
}

TEST(PlanRows, APrefixIsShorterThanEveryDecode) {
  const auto groups = ParseRows("2x100,1x64,1x30+0");
  EXPECT_TRUE(MakeStep(*groups, 63).has_value());
  for (const int32_t prefix : {64, 100, 1 << 30}) {
    const auto step = MakeStep(*groups, prefix);
    ASSERT_FALSE(step.has_value());
    EXPECT_THAT(step.error().message, HasSubstr("--shared-prefix: found "));
  }
}

TEST(PlanRows, PageTablesHaveALimit) {
  const auto groups = ParseRows("1024x16384k");  // 2^30 pages
  EXPECT_TRUE(MakeStep(*groups, 0).has_value());
  const auto step = MakeStep(*groups, 16);
  ASSERT_FALSE(step.has_value());
  EXPECT_THAT(step.error().message, HasSubstr("pages, wanted at most 67108864"));
}

}  // namespace
}  // namespace weir
