// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_options.h"

#include <cmath>
#include <gtest/gtest.h>

namespace weir {
namespace {

// 2 layers x 2 x 16 tokens x 1 head x 64 x 2 bytes = 8192 bytes per page
constexpr KvShape kShape = {.num_layers = 2, .num_kv_heads = 1, .head_dim = 64, .page_len = 16};

TEST(ValidateOptions, DefaultsAreValidAndEveryRangeIsChecked) {
  EXPECT_TRUE(ValidateOptions({}).has_value());
  EXPECT_FALSE(ValidateOptions({.num_threads = -1}).has_value());
  EXPECT_FALSE(ValidateOptions({.max_model_len = -5}).has_value());
  EXPECT_FALSE(ValidateOptions({.max_num_seqs = 0}).has_value());
  EXPECT_FALSE(ValidateOptions({.max_num_batched_tokens = 0}).has_value());
  EXPECT_FALSE(ValidateOptions({.page_len = 8}).has_value());
  EXPECT_FALSE(ValidateOptions({.page_len = 48}).has_value());
  EXPECT_FALSE(ValidateOptions({.kv_cache_bytes = -1}).has_value());
  EXPECT_FALSE(ValidateOptions({.kv_cache_fraction = 0}).has_value());
  EXPECT_FALSE(ValidateOptions({.kv_cache_fraction = 1.01}).has_value());
  EXPECT_FALSE(ValidateOptions({.kv_cache_fraction = std::nan("")}).has_value());
  EXPECT_FALSE(ValidateOptions({.scheduling = {.itl_budget_ms = -1}}).has_value());
  EXPECT_FALSE(ValidateOptions({.scheduling = {.itl_budget_ms = std::nan("")}}).has_value());
  EXPECT_FALSE(ValidateOptions({.scheduling = {.long_prefill_token_threshold = -1}}).has_value());
  EXPECT_FALSE(ValidateOptions({.scheduling = {.graph_mode = "full"}}).has_value());
  EXPECT_FALSE(ValidateOptions({.scheduling = {.capture_sizes = {2, 1}}}).has_value());
  EXPECT_FALSE(ValidateOptions({.max_num_seqs = 4, .scheduling = {.capture_sizes = {8}}}));
  const auto starved = ValidateOptions({.max_num_seqs = 64, .max_num_batched_tokens = 63});
  ASSERT_FALSE(starved.has_value());
  EXPECT_NE(starved.error().message.find("wanted at least max_num_seqs 64"), std::string::npos);
}

TEST(CheckWeightsFit, ShowsTheArithmetic) {
  EXPECT_TRUE(CheckWeightsFit("m", 100, 50, 150).has_value());
  const auto refused = CheckWeightsFit("m", 65'000'000'000, 500'000'000, 24'000'000'000);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Code::kOutOfMemory);
  EXPECT_EQ(refused.error().message,
            "m: needs 65.50 GB (weights 65.00 GB in BF16, activations 500.0 MB), wanted at most "
            "the 24.00 GB of memory that is available");
}

TEST(ChooseKvSizes, TakesWhatAllContextsNeedWhenThatIsCheap) {
  const auto sizes = ChooseKvSizes({.max_num_seqs = 4}, kShape, 100, int64_t{1} << 40);
  ASSERT_TRUE(sizes.has_value());
  EXPECT_EQ(sizes->num_pages, 7 * 4);
  EXPECT_EQ(sizes->max_model_len, 100);
}

TEST(ChooseKvSizes, TakesHalfOfWhatIsFreeAndShortensTheContextToFit) {
  const auto sizes = ChooseKvSizes({.max_num_seqs = 4}, kShape, 1000, 10 * 8192);
  ASSERT_TRUE(sizes.has_value());
  EXPECT_EQ(sizes->num_pages, 5);
  EXPECT_EQ(sizes->max_model_len, 80);
}

TEST(ChooseKvSizes, TakesTheFractionThatIsAskedFor) {
  for (const double fraction : {0.1, 0.5, 0.75, 1.0}) {
    const auto sizes = ChooseKvSizes({.max_num_seqs = 4, .kv_cache_fraction = fraction}, kShape,
                                     100000, 100 * 8192);
    ASSERT_TRUE(sizes.has_value());
    EXPECT_EQ(sizes->num_pages, static_cast<int32_t>(100 * fraction));
  }
}

TEST(ChooseKvSizes, TakesAGivenSizeWhole) {
  const auto sizes =
      ChooseKvSizes({.max_num_seqs = 1, .kv_cache_bytes = 100 * 8192}, kShape, 64, 200 * 8192);
  ASSERT_TRUE(sizes.has_value());
  EXPECT_EQ(sizes->num_pages, 100);
  EXPECT_EQ(sizes->max_model_len, 64);
}

TEST(ChooseKvSizes, RefusesWishesThatCannotBe) {
  EXPECT_EQ(ChooseKvSizes({.max_model_len = 101}, kShape, 100, 1 << 30).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(ChooseKvSizes({.kv_cache_bytes = 1 << 20}, kShape, 100, 1 << 19).error().code,
            Code::kOutOfMemory);
  EXPECT_EQ(ChooseKvSizes({}, kShape, 100, 8192).error().code, Code::kOutOfMemory);
  const auto refused = ChooseKvSizes({.max_model_len = 100}, kShape, 100, 4 * 8192);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message,
            "KV cache: 16384 bytes (kv_cache_fraction 0.5 of the 32768 bytes that are free) hold "
            "32 tokens "
            "(8192 bytes per page of 16), wanted at least 100");
}

}  // namespace
}  // namespace weir
