// SPDX-License-Identifier: Apache-2.0
#include "kv/prefix_cache.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace weir {
namespace {

bool SameTokens(std::span<const TokenId> a, std::span<const TokenId> b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace

PrefixCache::PrefixCache(int32_t num_pages, int32_t page_len, const SipKey& secret)
    : page_len_(page_len),
      secret_(secret),
      entries_(num_pages),
      tokens_(static_cast<size_t>(num_pages) * page_len),
      buckets_(std::bit_ceil(static_cast<uint32_t>(num_pages)), -1) {
  WEIR_CHECK_GT(num_pages, 0);
  WEIR_CHECK_GT(page_len, 0);
}

// The low bit of `high` sets beginnings apart from pages, whose `high` is 0.
PrefixNode PrefixCache::Begin(std::string_view salt) const {
  const Hash128 hash = SipHash128(secret_, std::as_bytes(std::span(salt)));
  return {.low = hash.low, .high = hash.high | 1};
}

uint32_t PrefixCache::BucketOf(const PrefixNode& parent, std::span<const TokenId> tokens) const {
  const SipKey key = {secret_.k0 ^ parent.low, secret_.k1 ^ parent.high};
  const Hash128 hash = SipHash128(key, std::as_bytes(tokens));
  return static_cast<uint32_t>(hash.low & (buckets_.size() - 1));
}

std::span<const TokenId> PrefixCache::TokensOf(int32_t page) const {
  return std::span(tokens_).subspan(static_cast<size_t>(page) * page_len_, page_len_);
}

std::optional<PrefixHit> PrefixCache::Find(const PrefixNode& parent,
                                           std::span<const TokenId> tokens) const {
  WEIR_CHECK_EQ(tokens.size(), static_cast<size_t>(page_len_));
  for (int32_t page = buckets_[BucketOf(parent, tokens)]; page >= 0; page = entries_[page].next) {
    const Entry& entry = entries_[page];
    if (entry.parent != parent || !SameTokens(TokensOf(page), tokens)) continue;
    return PrefixHit{.node = entry.node, .page = PageId{page}};
  }
  return std::nullopt;
}

PrefixNode PrefixCache::Insert(const PrefixNode& parent, std::span<const TokenId> tokens,
                               PageId page) {
  WEIR_CHECK_EQ(tokens.size(), static_cast<size_t>(page_len_));
  WEIR_CHECK(!Knows(page));
  std::copy(tokens.begin(), tokens.end(),
            tokens_.begin() + static_cast<std::ptrdiff_t>(page.value) * page_len_);
  const uint32_t bucket = BucketOf(parent, tokens);
  const PrefixNode node = {.low = ++num_nodes_, .high = 0};
  entries_[page.value] = {
      .node = node, .parent = parent, .bucket = bucket, .next = buckets_[bucket]};
  buckets_[bucket] = page.value;
  return node;
}

void PrefixCache::Forget(PageId page) {
  if (!Knows(page)) return;
  int32_t* link = &buckets_[entries_[page.value].bucket];
  while (*link != page.value) link = &entries_[*link].next;
  *link = entries_[page.value].next;
  entries_[page.value] = {};
}

}  // namespace weir
