// SPDX-License-Identifier: Apache-2.0
#include "text/typed_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TypedText Mixed() {
  TypedText text("<|user|>", Origin::kTrusted);
  text.Append("hi", Origin::kUser);
  text.Append("<|end|>", Origin::kTrusted);
  return text;
}

TEST(TypedText, KnowsWhoWroteEachByte) {
  const TypedText text = Mixed();
  EXPECT_EQ(text.text, "<|user|>hi<|end|>");
  EXPECT_THAT(text.user, ElementsAre(TextSpan{8, 10}));
  EXPECT_THAT(text.TrustedSpans(), ElementsAre(TextSpan{0, 8}, TextSpan{10, 17}));
  EXPECT_EQ(text.OriginOf(0, 8), Origin::kTrusted);
  EXPECT_EQ(text.OriginOf(7, 9), Origin::kUser);
  EXPECT_EQ(text.OriginOf(9, 9), Origin::kTrusted) << "no byte, so no user's";
  EXPECT_EQ(text.OriginOf(10, 17), Origin::kTrusted);
}

TEST(TypedText, NeighboursOfOneOriginAreOneSpan) {
  TypedText text("a", Origin::kUser);
  text.Append("b", Origin::kUser);
  text.Append("", Origin::kTrusted);
  text.Append(TypedText("c", Origin::kUser));
  EXPECT_THAT(text.user, ElementsAre(TextSpan{0, 3}));
  EXPECT_THAT(text.TrustedSpans(), IsEmpty());
}

TEST(TypedText, SlicesKeepOrigins) {
  EXPECT_EQ(Mixed().Slice(7, 9).user, (std::vector<TextSpan>{{1, 2}}));
  EXPECT_THAT(Mixed().Slice(0, 8).user, IsEmpty());
  EXPECT_THAT(Mixed().Slice(9, 9).user, IsEmpty());
  TypedText twice = Mixed();
  twice.Append(Mixed(), 9, 11);
  EXPECT_THAT(twice.user, ElementsAre(TextSpan{8, 10}, TextSpan{17, 18}));
}

}  // namespace
}  // namespace weir
