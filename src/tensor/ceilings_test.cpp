// SPDX-License-Identifier: Apache-2.0
#include "tensor/ceilings.h"

#include <gtest/gtest.h>

#include "base/thread_pool.h"

namespace weir {
namespace {

TEST(Ceilings, ADotProductIsAFusedMultiplyAddWhereThereIsNoInstructionForIt) {
  EXPECT_EQ((Ceilings{.f32_gf_s = 100, .bf16_gf_s = 250}.dot_gf_s()), 250);
  EXPECT_EQ((Ceilings{.f32_gf_s = 100}.dot_gf_s()), 100);
}

TEST(Ceilings, OneStateIsWithin15Percent) {
  const Ceilings a{.read_gb_s = 20, .f32_gf_s = 100, .bf16_gf_s = 200};
  EXPECT_TRUE(SameState(a, a));
  EXPECT_TRUE(SameState(a, {.read_gb_s = 17, .f32_gf_s = 100, .bf16_gf_s = 200}));
  EXPECT_FALSE(SameState(a, {.read_gb_s = 16.9, .f32_gf_s = 100, .bf16_gf_s = 200}));
  EXPECT_FALSE(SameState(a, {.read_gb_s = 20, .f32_gf_s = 100, .bf16_gf_s = 160}));
}

TEST(CeilingProbe, MeasuresWhatThisCpuHas) {
  auto probe = CeilingProbe::Make();
  ASSERT_TRUE(probe.has_value()) << probe.error().message;
  ThreadPool pool({.num_threads = 2});
  const Ceilings found = probe->Measure(pool);
  EXPECT_GT(found.read_gb_s, 0);
  EXPECT_GT(found.f32_gf_s, 0);
  EXPECT_EQ(found.bf16_gf_s > 0, DetectCpuFeatures().avx512_bf16);
  EXPECT_GT(LastLevelCacheBytes(), 0);
  EXPECT_GE(NumPreemptions(), 0);
}

}  // namespace
}  // namespace weir
