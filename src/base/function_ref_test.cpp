// SPDX-License-Identifier: Apache-2.0
#include "base/function_ref.h"

#include <gtest/gtest.h>
#include <memory>

namespace weir {
namespace {

int Twice(FunctionRef<int(int)> fn) { return fn(fn(1)); }

TEST(FunctionRef, CallsLambdasAndOtherObjects) {
  EXPECT_EQ(Twice([](int n) { return n + 10; }), 21);
  const struct {
    int operator()(int n) const { return -n; }
  } negate;
  EXPECT_EQ(Twice(negate), 1);
}

TEST(FunctionRef, RefersAndDoesNotCopy) {
  int calls = 0;
  auto count = [&calls, own = 0](int n) mutable {
    calls = ++own;
    return n;
  };
  Twice(count);
  Twice(count);
  EXPECT_EQ(calls, 4) << "the lambda's own counter lives on";
}

TEST(FunctionRef, PassesMoveOnlyArguments) {
  const auto take = [](std::unique_ptr<int> n) { return *n; };
  const FunctionRef<int(std::unique_ptr<int>)> ref = take;
  EXPECT_EQ(ref(std::make_unique<int>(7)), 7);
}

}  // namespace
}  // namespace weir
