// SPDX-License-Identifier: Apache-2.0
#include "kv/prefix_cache.h"

#include <gtest/gtest.h>
#include <map>
#include <random>

namespace weir {
namespace {

constexpr SipKey kSecret = {1, 2};

std::vector<TokenId> Tokens(TokenId first) { return {first, first + 1}; }

TEST(PrefixCache, FindsAPageBehindItsOwnParentOnly) {
  PrefixCache cache(4, /*page_len=*/2, kSecret);
  const PrefixNode begin = cache.Begin("");
  EXPECT_FALSE(cache.Find(begin, Tokens(5)));
  const PrefixNode first = cache.Insert(begin, Tokens(5), PageId{3});
  const PrefixNode second = cache.Insert(first, Tokens(5), PageId{1});
  ASSERT_TRUE(cache.Find(begin, Tokens(5)));
  EXPECT_EQ(cache.Find(begin, Tokens(5))->page, PageId{3});
  EXPECT_EQ(cache.Find(begin, Tokens(5))->node, first);
  EXPECT_EQ(cache.Find(first, Tokens(5))->page, PageId{1});
  EXPECT_FALSE(cache.Find(second, Tokens(5)));
  EXPECT_FALSE(cache.Find(first, Tokens(6)));
}

TEST(PrefixCache, SaltsShareNothing) {
  PrefixCache cache(4, 2, kSecret);
  EXPECT_EQ(cache.Begin("a"), cache.Begin("a"));
  cache.Insert(cache.Begin("a"), Tokens(5), PageId{0});
  EXPECT_TRUE(cache.Find(cache.Begin("a"), Tokens(5)));
  for (const char* other : {"", "b", "aa", "A"}) {
    EXPECT_FALSE(cache.Find(cache.Begin(other), Tokens(5))) << other;
  }
}

TEST(PrefixCache, OtherSecretsBeginElsewhere) {
  EXPECT_NE(PrefixCache(1, 2, {1, 2}).Begin("a"), PrefixCache(1, 2, {1, 3}).Begin("a"));
}

TEST(PrefixCache, AForgottenPageTakesWhatBuildsOnItAlong) {
  PrefixCache cache(4, 2, kSecret);
  const PrefixNode begin = cache.Begin("");
  const PrefixNode first = cache.Insert(begin, Tokens(1), PageId{0});
  cache.Insert(first, Tokens(2), PageId{1});
  cache.Forget(PageId{0});
  cache.Forget(PageId{2});  // never known
  EXPECT_FALSE(cache.Knows(PageId{0}));
  EXPECT_FALSE(cache.Find(begin, Tokens(1)));
  // The same page with the same tokens is another node: what built on the old one stays unfound.
  const PrefixNode again = cache.Insert(begin, Tokens(1), PageId{0});
  EXPECT_NE(again, first);
  EXPECT_FALSE(cache.Find(again, Tokens(2)));
}

// With few pages there are few buckets, so most lookups walk past others: only equal tokens behind
// an equal parent count. Checked against a map of whole prefixes.
TEST(PrefixCache, AgreesWithAMapOfWholePrefixes) {
  constexpr int kPages = 32;
  PrefixCache cache(kPages, 2, kSecret);
  std::map<std::vector<TokenId>, int> pages;  // whole prefix -> page
  std::vector<std::vector<TokenId>> prefix_of(kPages);
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    PrefixNode node = cache.Begin("salt");
    std::vector<TokenId> prefix;
    const int depth = 1 + static_cast<int>(random() % 5);
    for (int i = 0; i < depth; ++i) {
      const std::vector<TokenId> tokens = {static_cast<TokenId>(random() % 2), 7};
      prefix.insert(prefix.end(), tokens.begin(), tokens.end());
      const auto hit = cache.Find(node, tokens);
      const auto known = pages.find(prefix);
      ASSERT_EQ(hit.has_value(), known != pages.end());
      if (hit) {
        ASSERT_EQ(hit->page.value, known->second);
        node = hit->node;
        continue;
      }
      // Takes over a page on which nothing builds, as a pool would hand it out.
      const auto page = static_cast<int>(random() % kPages);
      const auto builds_on = [&](const auto& entry) {
        const auto& whole = prefix_of[page];
        return !whole.empty() && entry.first.size() > whole.size() &&
               std::equal(whole.begin(), whole.end(), entry.first.begin());
      };
      const std::vector<TokenId> parent(prefix.begin(), prefix.end() - 2);
      if (!parent.empty() && prefix_of[page] == parent) break;
      if (std::any_of(pages.begin(), pages.end(), builds_on)) break;
      cache.Forget(PageId{page});
      pages.erase(prefix_of[page]);
      node = cache.Insert(node, tokens, PageId{page});
      pages[prefix] = page;
      prefix_of[page] = prefix;
    }
  }
  EXPECT_GT(pages.size(), 10u);
}

}  // namespace
}  // namespace weir
