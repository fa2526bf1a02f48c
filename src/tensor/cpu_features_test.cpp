// SPDX-License-Identifier: Apache-2.0
#include "tensor/cpu_features.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace weir {
namespace {

// The flags that the system shows for the first CPU; empty where it shows none.
std::string SystemFlags() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("flags")) return line + ' ';
  }
  return "";
}

TEST(CpuFeatures, ToStringListsWhatIsThere) {
  EXPECT_EQ(ToString(CpuFeatures{}), "none");
  EXPECT_EQ(ToString(CpuFeatures{.avx2 = true}), "avx2");
  EXPECT_EQ(ToString(CpuFeatures{.avx2 = true, .avx512 = true, .avx512_bf16 = true}),
            "avx2 avx512 avx512_bf16");
}

TEST(CpuFeatures, AgreeWithTheSystem) {
  const std::string flags = SystemFlags();
  if (flags.empty()) GTEST_SKIP() << "the system shows no flags";
  const auto has = [&](const std::string& name) {
    return flags.find(' ' + name + ' ') != std::string::npos;
  };
  const CpuFeatures found = DetectCpuFeatures();
  EXPECT_EQ(found.avx2, has("avx2") && has("fma") && has("f16c"));
  EXPECT_EQ(found.avx512,
            found.avx2 && has("avx512f") && has("avx512bw") && has("avx512dq") && has("avx512vl"));
  EXPECT_EQ(found.avx512_bf16, found.avx512 && has("avx512_bf16"));
  EXPECT_EQ(found.avx512_vnni, found.avx512 && has("avx512_vnni"));
  EXPECT_EQ(found.amx_bf16, has("amx_tile") && has("amx_bf16"));
}

TEST(CpuModelName, IsOneLine) {
  const std::string name = CpuModelName();
  EXPECT_FALSE(name.empty());
  EXPECT_EQ(name.find('\n'), std::string::npos);
}

}  // namespace
}  // namespace weir
