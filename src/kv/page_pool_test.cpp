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

std::vector<PageId> Take(PagePool& pool, int32_t count) {
  std::vector<PageId> pages;
  EXPECT_TRUE(pool.TryTake(count, pages));
  return pages;
}

TEST(PagePool, APageIsFreeWhenItsLastHolderReturnsIt) {
  PagePool pool(2);
  const auto pages = Take(pool, 1);
  pool.Share(pages[0]);
  EXPECT_EQ(pool.num_holders(pages[0]), 2);
  pool.Return(pages);
  EXPECT_EQ(pool.num_free(), 1);
  pool.Return(pages);
  EXPECT_EQ(pool.num_free(), 2);
}

TEST(PagePool, KeptPagesAreFreeButHandedOutLast) {
  PagePool pool(4);
  const auto kept = Take(pool, 2);
  const auto other = Take(pool, 1);
  for (const PageId page : kept) pool.Keep(page);
  pool.Return(kept);
  pool.Return(other);
  EXPECT_EQ(pool.num_free(), 4);
  EXPECT_EQ(pool.num_kept(), 2);
  const auto first = Take(pool, 2);
  EXPECT_EQ(first[0], other[0]);  // the warmest
  EXPECT_EQ(first[1], PageId{3});
  // Of kept ones the end of a sequence goes before its beginning.
  EXPECT_EQ(Take(pool, 2), (std::vector<PageId>{kept[1], kept[0]}));
  EXPECT_EQ(pool.num_kept(), 0);
}

TEST(PagePool, AKeptPageCanBeTakenUpAgainAndIsThenTheYoungest) {
  PagePool pool(2);
  const auto a = Take(pool, 1);
  const auto b = Take(pool, 1);
  pool.Keep(a[0]);
  pool.Keep(b[0]);
  pool.Return(a);
  pool.Return(b);
  pool.Share(a[0]);
  EXPECT_EQ(pool.num_free(), 1);
  pool.Return(a);
  EXPECT_EQ(Take(pool, 1), b);
}

TEST(PagePool, DropsKeptPagesThatNobodyHolds) {
  PagePool pool(3);
  const auto pages = Take(pool, 2);
  for (const PageId page : pages) pool.Keep(page);
  pool.Return(std::span(pages).first(1));
  std::vector<PageId> dropped;
  pool.DropKept([&](PageId page) { dropped.push_back(page); });
  EXPECT_EQ(dropped, std::vector<PageId>{pages[0]});
  EXPECT_EQ(pool.num_kept(), 1);
  EXPECT_EQ(Take(pool, 1), dropped);  // first again, like any other free page
}

TEST(PagePoolDeathTest, RefusesAPageThatIsNotTaken) {
  PagePool pool(2);
  std::vector<PageId> pages;
  ASSERT_TRUE(pool.TryTake(1, pages));
  pool.Return(pages);
  EXPECT_DEATH(pool.Return(pages), "num_holders_");
  EXPECT_DEATH(pool.Share(pages[0]), "kept_");
  EXPECT_DEATH(pool.Keep(pages[0]), "num_holders_");
  EXPECT_DEATH(pool.Return(std::vector<PageId>{PageId{2}}), "page.value < num_pages");
}

}  // namespace
}  // namespace weir
