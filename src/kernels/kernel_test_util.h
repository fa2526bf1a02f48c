// SPDX-License-Identifier: Apache-2.0
//
// What the tests of all ops share: the tables of this machine, random numbers, poison.
#ifndef WEIR_KERNELS_KERNEL_TEST_UTIL_H_
#define WEIR_KERNELS_KERNEL_TEST_UTIL_H_

#include <cmath>
#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernel_table.h"

namespace weir {

inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
inline constexpr Bf16 kPoison{0x7FC1};  // a NaN that no kernel makes

// The tables that run on this machine, best first; the reference is the last.
inline std::vector<const KernelTable*> TablesThatRun() {
  std::vector<const KernelTable*> tables;
  const CpuFeatures features = DetectCpuFeatures();
  for (const KernelTable* table : AllKernelTables()) {
    if (table->runs_on(features)) tables.push_back(table);
  }
  return tables;
}

inline std::string TableName(const testing::TestParamInfo<const KernelTable*>& info) {
  std::string name = info.param->name;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
}

// A test with every table of this machine in turn.
class KernelTest : public testing::TestWithParam<const KernelTable*> {
 protected:
  KernelTable table() const { return CompleteTable(*GetParam(), "test").table; }
};

#define WEIR_FOR_ALL_TABLES(suite) \
  INSTANTIATE_TEST_SUITE_P(Tables, suite, testing::ValuesIn(TablesThatRun()), TableName)

inline std::vector<float> RandomFloats(int64_t n, uint32_t seed, float scale = 1.0f) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0f, scale);
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

inline std::vector<Bf16> RandomBf16(int64_t n, uint32_t seed, float scale = 1.0f) {
  std::vector<Bf16> values(n);
  const std::vector<float> floats = RandomFloats(n, seed, scale);
  for (int64_t i = 0; i < n; ++i) values[i] = ToBf16(floats[i]);
  return values;
}

inline bool SameBits(const Bf16* a, const Bf16* b, int64_t n) {
  return std::memcmp(a, b, n * sizeof(Bf16)) == 0;
}
inline bool SameBits(const std::vector<Bf16>& a, const std::vector<Bf16>& b) {
  return a.size() == b.size() && SameBits(a.data(), b.data(), static_cast<int64_t>(a.size()));
}
inline bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * 4) == 0;
}

}  // namespace weir

#endif  // WEIR_KERNELS_KERNEL_TEST_UTIL_H_
