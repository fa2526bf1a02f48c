// SPDX-License-Identifier: Apache-2.0
#include "cli/svg_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;

TEST(SvgWriter, TextIsEscaped) {
  EXPECT_EQ(EscapeXml("a<b>&\"c\"'"), "a&lt;b&gt;&amp;&quot;c&quot;'");
  EXPECT_EQ(EscapeXml(std::string("\0\x1b\n\xff", 4)), "????");
  SvgWriter svg;
  svg.Text(1, 2, "</text><script>");
  EXPECT_THAT(svg.Finish(10, 10, "</title>"), HasSubstr(">&lt;/text&gt;&lt;script&gt;</text>"));
  EXPECT_THAT(svg.Finish(10, 10, "</title>"), HasSubstr("<title>&lt;/title&gt;</title>"));
}

TEST(SvgWriter, TextIsCutToItsRoom) {
  const double ten = TextWidth("0123456789", 12);
  EXPECT_EQ(FitText("0123456789", 12, ten), "0123456789");
  EXPECT_EQ(FitText("0123456789x", 12, ten), "0123456...");
  EXPECT_LE(TextWidth(FitText("0123456789x", 12, ten), 12), ten);
  EXPECT_EQ(FitText("0123456789", 12, 5), "") << "no room for a letter and the dots";
  EXPECT_EQ(FitText("0123456789", 12, -5), "");
}

TEST(SvgWriter, BoxesAreInTenthsOfAPixel) {
  std::string path;
  AppendBox(path, {.x = 1, .y = 2.04, .width = 3.25, .height = 4});
  EXPECT_EQ(path, "M1 2h3.3v4h-3.3z");
}

// Otherwise an item of no length, or a lane of a twentieth of a pixel, would not be seen.
TEST(SvgWriter, NoBoxIsEmpty) {
  std::string path;
  AppendBox(path, {.x = 0, .y = 0, .width = 0, .height = 0});
  EXPECT_EQ(path, "M0 0h0.1v0.1h-0.1z");
}

// Rounding must not open gaps between neighbours.
TEST(SvgWriter, BoxesThatTouchStillTouch) {
  std::string path;
  AppendBox(path, {.x = 0.04, .y = 0, .width = 0.12, .height = 1});
  AppendBox(path, {.x = 0.16, .y = 0, .width = 0.12, .height = 1});
  EXPECT_EQ(path, "M0 0h0.2v1h-0.2zM0.2 0h0.1v1h-0.1z");
}

}  // namespace
}  // namespace weir
