// SPDX-License-Identifier: Apache-2.0
#include "kv/page_pool.h"

#include <gtest/gtest.h>
#include <random>
#include <set>
#include <vector>

namespace weir {
namespace {

TEST(PagesFor, RoundsUp) {
  EXPECT_EQ(PagesFor(0, 16), 0);
  EXPECT_EQ(PagesFor(1, 16), 1);
  EXPECT_EQ(PagesFor(16, 16), 1);
  EXPECT_EQ(PagesFor(17, 16), 2);
  EXPECT_EQ(PagesFor(2147483647, 16), 134217728);
}

TEST(PagePool, TakesAllOrNothing) {
  PagePool pool(3);
  std::vector<PageId> pages;
  EXPECT_TRUE(pool.TryTake(2, pages));
  EXPECT_FALSE(pool.TryTake(2, pages));
  EXPECT_EQ(pages.size(), 2u);
  EXPECT_EQ(pool.num_free(), 1);
  EXPECT_TRUE(pool.TryTake(0, pages));
  EXPECT_TRUE(pool.TryTake(1, pages));
  EXPECT_EQ(pool.num_free(), 0);
}

TEST(PagePool, NeverHandsOutAPageTwice) {
  PagePool pool(64);
  std::mt19937 random(1);
  std::vector<std::vector<PageId>> held;
  std::set<int32_t> in_use;
  for (int step = 0; step < 10000; ++step) {
    if (random() % 2 == 0 || held.empty()) {
      std::vector<PageId> pages;
      const auto wanted = static_cast<int32_t>(random() % 9);
      ASSERT_EQ(pool.TryTake(wanted, pages), wanted <= 64 - static_cast<int32_t>(in_use.size()));
      for (const PageId page : pages) ASSERT_TRUE(in_use.insert(page.value).second);
      held.push_back(pages);
    } else {
      const size_t victim = random() % held.size();
      for (const PageId page : held[victim]) in_use.erase(page.value);
      pool.Return(held[victim]);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(victim));
    }
    ASSERT_EQ(pool.num_free(), 64 - static_cast<int32_t>(in_use.size()));
  }
}

TEST(PagePoolDeathTest, RefusesAPageThatIsNotTaken) {
  PagePool pool(2);
  std::vector<PageId> pages;
  ASSERT_TRUE(pool.TryTake(1, pages));
  pool.Return(pages);
  EXPECT_DEATH(pool.Return(pages), "taken_");
  EXPECT_DEATH(pool.Return(std::vector<PageId>{PageId{2}}), "page.value < num_pages");
}

}  // namespace
}  // namespace weir
