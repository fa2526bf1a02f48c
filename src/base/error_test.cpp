// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"

#include <gtest/gtest.h>
#include <memory>
#include <set>

namespace weir {
namespace {

TEST(Err, JoinsItsArguments) {
  const Status status = Err(Code::kInvalidModel, "config.json", ": hidden_size ", 7, " or ", 0.5,
                            std::string_view(" {}"));
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Code::kInvalidModel);
  EXPECT_EQ(status.error().message, "config.json: hidden_size 7 or 0.5 {}") << "no format string";
}

TEST(CodeName, EachCodeHasItsOwn) {
  std::set<std::string> names;
  for (int code = 0; code <= static_cast<int>(Code::kUnavailable); ++code) {
    names.insert(CodeName(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(Code::kUnavailable) + 1);
  EXPECT_FALSE(names.contains("unknown"));
}

Result<int> Positive(int n) {
  if (n > 0) return n;
  return Err(Code::kInvalidArgument, n, " is not positive");
}

Result<std::unique_ptr<int>> Sum(int a, int b) {
  WEIR_ASSIGN_OR_RETURN(const int first, Positive(a));
  WEIR_ASSIGN_OR_RETURN(const int second, Positive(b));
  return std::make_unique<int>(first + second);
}

Status Check(int n, int& calls) {
  WEIR_RETURN_IF_ERROR(Positive(n));
  ++calls;
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<int> moved, Sum(n, n));  // move-only values pass
  return *moved == 2 * n ? Ok() : Err(Code::kIo, "wrong");
}

TEST(Macros, ReturnTheFirstError) {
  EXPECT_EQ(**Sum(1, 2), 3);
  EXPECT_EQ(Sum(-1, -2).error().message, "-1 is not positive");
  EXPECT_EQ(Sum(1, -2).error().message, "-2 is not positive");
  int calls = 0;
  EXPECT_FALSE(Check(0, calls).has_value());
  EXPECT_EQ(calls, 0);
  EXPECT_TRUE(Check(4, calls).has_value());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace weir
