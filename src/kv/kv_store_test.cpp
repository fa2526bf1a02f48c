// SPDX-License-Identifier: Apache-2.0
#include "kv/kv_store.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr KvShape kShape = {.num_layers = 3, .num_kv_heads = 2, .head_dim = 64, .page_len = 16};

TEST(KvStore, CountsBytesOfAllLayers) {
  // 3 layers x (keys + values) x 16 tokens x 2 heads x 64 x 2 bytes
  EXPECT_EQ(KvBytesPerPage(kShape), 3 * 2 * 16 * 2 * 64 * 2);
}

TEST(KvStore, LayersDoNotOverlapAndFillTheBuffer) {
  auto store = KvStore::Allocate(kShape, 5);
  ASSERT_TRUE(store.has_value());
  const int64_t elements = int64_t{5} * 16 * 2 * 64;
  for (int32_t layer = 0; layer < 3; ++layer) {
    const KvPages pages = store->Layer(layer);
    EXPECT_EQ(pages.v_bf16() - pages.k_bf16(), elements);
    EXPECT_EQ(pages.k_scale, nullptr);
    if (layer > 0) {
      EXPECT_EQ(pages.k_bf16() - store->Layer(layer - 1).v_bf16(), elements);
    }
    pages.k_bf16()[0] = pages.v_bf16()[elements - 1] = Bf16{1};  // both ends are writable
  }
}

TEST(KvStore, Int8HasAScalePerTokenAndHead) {
  KvShape shape = kShape;
  shape.dtype = KvDType::kInt8;
  // 3 layers x (keys + values) x 16 tokens x 2 heads x (64 bytes + a float)
  EXPECT_EQ(KvBytesPerPage(shape), 3 * 2 * 16 * 2 * (64 + 4));
  auto store = KvStore::Allocate(shape, 5);
  ASSERT_TRUE(store.has_value());
  const int64_t elements = int64_t{5} * 16 * 2 * 64;
  const int64_t scales = int64_t{5} * 16 * 2;
  for (int32_t layer = 0; layer < 3; ++layer) {
    const KvPages pages = store->Layer(layer);
    EXPECT_EQ(pages.v_int8() - pages.k_int8(), elements);
    EXPECT_EQ(reinterpret_cast<int8_t*>(pages.k_scale) - pages.v_int8(), elements);
    EXPECT_EQ(pages.v_scale - pages.k_scale, scales);
    if (layer > 0) {
      EXPECT_EQ(pages.k, store->Layer(layer - 1).v_scale + scales);
    }
    pages.v_scale[scales - 1] = 1;
  }
}

TEST(KvStore, RefusesWhatNoMachineHas) {
  const KvShape huge = {
      .num_layers = 4096, .num_kv_heads = 128, .head_dim = 1024, .page_len = 4096};
  const auto store = KvStore::Allocate(huge, 1 << 30);
  ASSERT_FALSE(store.has_value());
  EXPECT_EQ(store.error().code, Code::kOutOfMemory);
}

}  // namespace
}  // namespace weir
