// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape().num_elements(), 1) << "a scalar";
  EXPECT_EQ(Shape({3}).num_elements(), 3);
  EXPECT_EQ(Shape({2, 3, 4}).num_elements(), 24);
  EXPECT_EQ(Shape({2, 0}).num_elements(), 0);
  EXPECT_EQ(Shape({1 << 20, 1 << 20}).num_elements(), int64_t{1} << 40);
}

TEST(Shape, IsEqualByValue) {
  EXPECT_EQ(Shape({2, 3}), Shape({2, 3}));
  EXPECT_NE(Shape({2, 3}), Shape({3, 2}));
  EXPECT_NE(Shape({2, 3}), Shape({2, 3, 1}));
}

TEST(Shape, Prints) {
  EXPECT_EQ(ToString(Shape()), "[]");
  EXPECT_EQ(ToString(Shape({7})), "[7]");
  EXPECT_EQ(ToString(Shape({2, 3})), "[2, 3]");
}

TEST(ShapeDeathTest, RankIsLimited) { EXPECT_DEATH(Shape({1, 2, 3, 4, 5}), "kMaxRank"); }

}  // namespace
}  // namespace weir
