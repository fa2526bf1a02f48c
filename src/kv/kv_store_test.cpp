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
    EXPECT_EQ(pages.v - pages.k, elements);
    if (layer > 0) {
      EXPECT_EQ(pages.k - store->Layer(layer - 1).v, elements);
    }
    pages.k[0] = pages.v[elements - 1] = Bf16{1};  // both ends are writable
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
