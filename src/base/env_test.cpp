// SPDX-License-Identifier: Apache-2.0
#include "base/env.h"

#include <cstdlib>
#include <gtest/gtest.h>
#include <set>

namespace weir {
namespace {

TEST(EnvVariables, EachIsNamedOnceAndExplained) {
  std::set<std::string> names;
  for (const EnvVariable& variable : EnvVariables()) {
    const std::string name = variable.name;
    const bool common =  // to many programs
        name == "HOME" || name == "XDG_CACHE_HOME" || name == "OPENAI_API_KEY";
    EXPECT_TRUE(common || name.starts_with("WEIR_")) << name;
    EXPECT_TRUE(names.insert(variable.name).second) << variable.name;
    EXPECT_NE(std::string(variable.meaning), "") << variable.name;
  }
}

TEST(EnvString, ReadsWhatIsSet) {
  ::setenv("WEIR_MODEL", "some/where", 1);
  EXPECT_EQ(EnvString("WEIR_MODEL"), "some/where");
  ::setenv("WEIR_MODEL", "", 1);
  EXPECT_EQ(EnvString("WEIR_MODEL"), "");
  ::unsetenv("WEIR_MODEL");
  EXPECT_EQ(EnvString("WEIR_MODEL"), "");
}

TEST(EnvStringDeathTest, OnlyListedNames) { EXPECT_DEATH(EnvString("WEIR_SECRET"), "listed"); }

}  // namespace
}  // namespace weir
