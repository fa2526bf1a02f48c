// SPDX-License-Identifier: Apache-2.0
//
// Pages for sequences: takes them as tokens come, lets sequences share what they have in common,
// and remembers whole pages for those that come later. A shared page is never written: only whole,
// computed pages are shared, and a sequence computes at least its last token itself.
//
// Pages of one content are held once: where two sequences compute the same side by side, the one
// that is done later takes the other's page for its own. So a page that others can find is held by
// whoever holds the pages that build on it. Engine thread only.
#ifndef WEIR_ENGINE_PAGE_KEEPER_H_
#define WEIR_ENGINE_PAGE_KEEPER_H_

#include <cstdint>
#include <optional>

#include "engine/sequence.h"
#include "kv/page_pool.h"
#include "kv/prefix_cache.h"

namespace weir {

struct PageKeeperOptions {
  int32_t num_pages;
  int32_t page_len;  // tokens per page
  bool prefix_caching = true;
  SipKey secret = {};  // of the prefix cache
};

struct PrefixCounts {
  int64_t queries = 0;  // prompt tokens of requests that started
  int64_t hits = 0;     // of these, found
};

class PageKeeper {
 public:
  explicit PageKeeper(const PageKeeperOptions& options);

  // Gives a sequence without pages those that hold the beginning of its tokens: of the cache, or
  // without one those that it has in common with `sibling`, an output of the same request (may be
  // null). True when then enough pages are free for the rest of its tokens and `num_reserved` more;
  // else nothing has happened.
  [[nodiscard]] bool TryStart(Sequence& sequence, const Sequence* sibling, int32_t num_reserved);

  // Takes pages until the first `num_tokens` tokens have a place. All or nothing.
  [[nodiscard]] bool TryGrow(Sequence& sequence, int32_t num_tokens);

  // Tokens that the pages of the sequence and all that are free have a place for.
  int32_t MostTokens(const Sequence& sequence) const;

  // Pages that its tokens so far need and it does not have.
  int32_t NumMissing(const Sequence& sequence) const;

  // More tokens of the sequence are computed: pages that have become whole can be found.
  void Publish(Sequence& sequence);

  // Gives all its pages back.
  void Release(Sequence& sequence);

  // Forgets every cached page that no sequence holds.
  void ResetPrefixCache();

  int32_t page_len() const { return page_len_; }
  const PagePool& pool() const { return pool_; }
  const PrefixCounts& counts() const { return counts_; }
  bool prefix_caching() const { return cache_.has_value(); }

  // Whole pages that an output can take over from another one of the same request.
  int32_t NumShareable(int32_t num_tokens) const { return (num_tokens - 1) / page_len_; }

 private:
  std::span<const TokenId> PageTokens(const Sequence& sequence, int32_t page) const;
  PrefixNode FindCached(Sequence& sequence) const;
  void Count(const Sequence& sequence, int32_t num_found);
  void CopyFrom(const Sequence& sibling, Sequence& sequence) const;

  int32_t page_len_;
  PagePool pool_;
  std::optional<PrefixCache> cache_;
  PrefixCounts counts_;
};

}  // namespace weir

#endif  // WEIR_ENGINE_PAGE_KEEPER_H_
