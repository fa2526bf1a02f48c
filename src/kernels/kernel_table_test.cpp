// SPDX-License-Identifier: Apache-2.0
#include "kernels/kernel_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr CpuFeatures kNothing{};
#if defined(__x86_64__)
constexpr CpuFeatures kAvx2{.avx2 = true};
constexpr CpuFeatures kOldAvx512{.avx2 = true, .avx512 = true, .avx512_vnni = true};
constexpr CpuFeatures kAvx512{
    .avx2 = true, .avx512 = true, .avx512_bf16 = true, .avx512_vnni = true};
#endif

TEST(KernelTables, ReferenceStandsLastAndRunsEverywhere) {
  ASSERT_FALSE(AllKernelTables().empty());
  EXPECT_EQ(AllKernelTables().back(), &kReferenceKernels);
  EXPECT_TRUE(kReferenceKernels.runs_on(kNothing));
}

TEST(KernelTables, WithoutFeaturesTheReferenceIsChosen) {
  const auto choice = ChooseKernels("", kNothing);
  ASSERT_TRUE(choice);
  EXPECT_STREQ(choice->table.name, "reference");
  EXPECT_EQ(choice->from_reference, "");
}

TEST(KernelTables, UnknownNameListsWhatRuns) {
  const auto choice = ChooseKernels("cpu/abacus", kNothing);
  ASSERT_FALSE(choice);
  EXPECT_EQ(choice.error().code, Code::kInvalidArgument);
  EXPECT_THAT(choice.error().message, HasSubstr("cpu/abacus"));
  EXPECT_THAT(choice.error().message, HasSubstr("reference"));
  EXPECT_THAT(choice.error().message, Not(HasSubstr("cpu/avx512")));
}

TEST(KernelTables, EmptySlotsComeFromTheReferenceAndAreNamed) {
  KernelTable table = kReferenceKernels;
  table.name = "cpu/half";
  table.rms_norm = nullptr;
  table.silu_mul = nullptr;
  const KernelChoice choice = CompleteTable(table, "because");
  EXPECT_EQ(choice.table.rms_norm, kReferenceKernels.rms_norm);
  EXPECT_EQ(choice.table.silu_mul, kReferenceKernels.silu_mul);
  EXPECT_EQ(choice.from_reference, "rms_norm, silu_mul");
  EXPECT_EQ(choice.why, "because");
  EXPECT_STREQ(choice.table.name, "cpu/half");
}

#if defined(__x86_64__)

TEST(KernelTables, TheBestThatRunsIsChosen) {
  EXPECT_STREQ(ChooseKernels("", kAvx2)->table.name, "cpu/avx2");
  EXPECT_STREQ(ChooseKernels("", kAvx512)->table.name, "cpu/avx512");
  // AVX-512 without bf16 products, as on the first generations, is not enough.
  EXPECT_STREQ(ChooseKernels("", kOldAvx512)->table.name, "cpu/avx2");
}

TEST(KernelTables, AForcedTableIsTakenWhenItRuns) {
  for (const char* name : {"reference", "cpu/avx2", "cpu/avx512"}) {
    const auto choice = ChooseKernels(name, kAvx512);
    ASSERT_TRUE(choice) << name;
    EXPECT_STREQ(choice->table.name, name);
    EXPECT_THAT(choice->why, HasSubstr("WEIR_KERNELS"));
  }
}

TEST(KernelTables, AForcedTableThatCannotRunIsAnError) {
  const auto choice = ChooseKernels("cpu/avx512", kAvx2);
  ASSERT_FALSE(choice);
  EXPECT_THAT(choice.error().message, HasSubstr("cpu/avx512 needs AVX-512"));
  EXPECT_THAT(choice.error().message, HasSubstr("choose one of cpu/avx2, reference"));
}

// A slot that goes back to the reference is a tenfold slowdown: it must not happen unnoticed.
TEST(KernelTables, CpuTablesFillEverySlotThemselves) {
  for (const KernelTable* table : AllKernelTables()) {
    EXPECT_EQ(CompleteTable(*table, "").from_reference, "") << table->name;
    if (table == &kReferenceKernels) continue;
    EXPECT_NE(table->embed, kReferenceKernels.embed) << table->name;
    EXPECT_NE(table->rms_norm, kReferenceKernels.rms_norm) << table->name;
    EXPECT_NE(table->matmul, kReferenceKernels.matmul) << table->name;
    EXPECT_NE(table->qkv_prepare, kReferenceKernels.qkv_prepare) << table->name;
    EXPECT_NE(table->paged_attention, kReferenceKernels.paged_attention) << table->name;
    EXPECT_NE(table->silu_mul, kReferenceKernels.silu_mul) << table->name;
  }
}

#endif

}  // namespace
}  // namespace weir
