// SPDX-License-Identifier: Apache-2.0
#include "cli/attention_workload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/kernel_table.h"
#include "tensor/ceilings.h"

namespace weir {
namespace {

constexpr AttnShape kShape{.num_q_heads = 8, .num_kv_heads = 4, .head_dim = 64};

AttnShape With(KvDType dtype) {
  AttnShape shape = kShape;
  shape.kv_dtype = dtype;
  return shape;
}

TEST(Work, BytesAreWhatIsStored) {
  // 4 heads x (64 + 64) elements, with two scales of 4 bytes to a head where they are int8.
  EXPECT_EQ(KvBytes(kShape, {.q_len = 1, .kv_len = 10}), 10 * 4 * 128 * 2);
  EXPECT_EQ(KvBytes(With(KvDType::kInt8), {.q_len = 1, .kv_len = 10}), 10 * 4 * (128 + 8));
}

TEST(Work, FlopsAreOfTheCausalPart) {
  // A multiply and an add for scores and for values: 4 per query head, dimension and visible key.
  const double each = 4.0 * 8 * 64;
  EXPECT_EQ(AttentionFlops(kShape, {.q_len = 1, .kv_len = 10}), each * 10);
  EXPECT_EQ(AttentionFlops(kShape, {.q_len = 3, .kv_len = 3}), each * (1 + 2 + 3));
  EXPECT_EQ(AttentionFlops(kShape, {.q_len = 2, .kv_len = 7}), each * (6 + 7));
}

TEST(WorkloadSize, CoversTheLargestStepInPages) {
  WorkloadSize size;
  size.Cover(std::vector<SeqLengths>{{1, 17}, {1, 16}});
  EXPECT_EQ(size.kv_tokens, 48);
  EXPECT_EQ(size.new_tokens, 2);
  size.Cover(std::vector<SeqLengths>{{5, 20}});
  EXPECT_EQ(size.kv_tokens, 48);
  EXPECT_EQ(size.new_tokens, 5);
}

class Workload : public testing::TestWithParam<KvDType> {
 protected:
  static AttentionData Data(const std::vector<SeqLengths>& seqs, ThreadPool& pool) {
    WorkloadSize size;
    size.Cover(seqs);
    auto data = AttentionData::Make(With(GetParam()), size, pool);
    EXPECT_TRUE(data.has_value());
    return std::move(*data);
  }
};

TEST_P(Workload, NoCacheHoldsItsPages) {
  ThreadPool pool({.num_threads = 2});
  const std::vector<SeqLengths> seqs = {{1, 100}, {1, 20}};
  const AttentionData data = Data(seqs, pool);
  const double bytes = static_cast<double>(data.num_pages()) *
                       KvBytes(data.shape(), {.q_len = 1, .kv_len = kWorkloadPageLen});
  EXPECT_GE(bytes, 256 << 20);
  EXPECT_GE(bytes, 4.0 * static_cast<double>(LastLevelCacheBytes()));
  EXPECT_EQ(AttentionStep(data, seqs).num_copies(), data.num_pages() / (7 + 2));
  EXPECT_EQ(AttentionStep(data, seqs, 1).num_copies(), 1);
}

TEST_P(Workload, EveryPolicyRunsAndSameRulesGiveSamePlans) {
  ThreadPool pool({.num_threads = 2});
  const std::vector<SeqLengths> seqs = {{1, 900}, {1, 33}, {40, 40}, {20, 100}};
  const AttentionData data = Data(seqs, pool);
  AttentionStep step(data, seqs);
  const auto kernels = ChooseKernels("", DetectCpuFeatures());
  ASSERT_TRUE(kernels.has_value());
  const auto make = [&](const char* name, bool invariant) {
    AttnPolicy policy = ParseAttnPolicy(name).value();
    policy.batch_invariant = invariant;
    auto call = AttentionCall::Make(data, step, DefaultCpuProfile(2), policy);
    EXPECT_TRUE(call.has_value());
    EXPECT_GT(call->plan().work.num_items, 0);
    for (int i = 0; i < 3; ++i) EXPECT_GE(call->Seconds(kernels->table, pool), 0);
    return std::move(*call);
  };
  const AttentionCall weir = make("weir", false);
  EXPECT_TRUE(weir.SamePlan(make("weir", false)));
  EXPECT_FALSE(weir.SamePlan(make("weir", true))) << "segments are another arithmetic";
  EXPECT_FALSE(weir.SamePlan(make("before", false))) << "it cuts decodes in 32";
}

INSTANTIATE_TEST_SUITE_P(Dtypes, Workload, testing::Values(KvDType::kBf16, KvDType::kInt8),
                         [](const auto& info) {
                           return info.param == KvDType::kBf16 ? "bf16" : "int8";
                         });

TEST(AttentionData, MoreThanTheMemoryIsRefused) {
  ThreadPool pool({.num_threads = 1});
  const auto data =
      AttentionData::Make(kShape, {.kv_tokens = int64_t{1} << 40, .new_tokens = 1}, pool);
  ASSERT_FALSE(data.has_value());
  EXPECT_EQ(data.error().code, Code::kOutOfMemory);
  EXPECT_THAT(data.error().message, testing::HasSubstr("wanted at most"));
}

}  // namespace
}  // namespace weir
