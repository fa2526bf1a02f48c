// SPDX-License-Identifier: Apache-2.0
//
// Which page holds the keys and values of which tokens. A node of the cache is a full page together
// with everything before it: it is found by its parent's node and its own tokens. Pure host code
// that knows pages by id; who holds them, and for how long they are kept, is PagePool's business.
//
// A lookup compares parent and tokens, so a collision of hashes costs time and never a wrong page.
// Where a chain begins stands for a salt; without the secret key nobody can make two salts share a
// beginning, nor fill one bucket.
//
// Engine thread only. Takes all its memory at birth: about 4 bytes per token and 40 per page.
#ifndef WEIR_KV_PREFIX_CACHE_H_
#define WEIR_KV_PREFIX_CACHE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <weir/request.h>

#include "base/ids.h"
#include "kv/sip_hash.h"

namespace weir {

// The beginning of a chain (a hash), or a page's place in one (a number that is never used again).
struct PrefixNode {
  uint64_t low = 0;
  uint64_t high = 0;
  friend constexpr bool operator==(const PrefixNode&, const PrefixNode&) = default;
};

struct PrefixHit {
  PrefixNode node;
  PageId page;
};

class PrefixCache {
 public:
  PrefixCache(int32_t num_pages, int32_t page_len, const SipKey& secret);

  // Where the chains of a salt begin.
  PrefixNode Begin(std::string_view salt) const;

  // The page that holds `tokens` [page_len] right after `parent`.
  std::optional<PrefixHit> Find(const PrefixNode& parent, std::span<const TokenId> tokens) const;

  // Makes known what `page` holds. Requires: Find finds nothing yet, and the page is not known.
  PrefixNode Insert(const PrefixNode& parent, std::span<const TokenId> tokens, PageId page);

  // The page's content is gone. Ignored when it is not known. Requires: no page that builds on it
  // is known.
  void Forget(PageId page);

  bool Knows(PageId page) const { return entries_[page.value].node != PrefixNode{}; }

 private:
  struct Entry {
    PrefixNode node;  // {} when the page is not known
    PrefixNode parent;
    uint32_t bucket;
    int32_t next;  // page in the same bucket, or -1
  };
  uint32_t BucketOf(const PrefixNode& parent, std::span<const TokenId> tokens) const;
  std::span<const TokenId> TokensOf(int32_t page) const;

  int32_t page_len_;
  SipKey secret_;
  std::vector<Entry> entries_;    // by page
  std::vector<TokenId> tokens_;   // [pages, page_len]
  std::vector<int32_t> buckets_;  // first page, or -1; a power of two of them
  uint64_t num_nodes_ = 0;        // ever
};

}  // namespace weir

#endif  // WEIR_KV_PREFIX_CACHE_H_
