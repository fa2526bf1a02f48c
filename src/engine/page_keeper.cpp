// SPDX-License-Identifier: Apache-2.0
#include "engine/page_keeper.h"

#include <algorithm>

#include "base/check.h"

namespace weir {

PageKeeper::PageKeeper(const PageKeeperOptions& options)
    : page_len_(options.page_len), pool_(options.num_pages) {
  if (options.prefix_caching) {
    cache_.emplace(options.num_pages, options.page_len, options.secret);
  }
}

std::span<const TokenId> PageKeeper::PageTokens(const Sequence& sequence, int32_t page) const {
  return sequence.tokens().subspan(static_cast<size_t>(page) * page_len_, page_len_);
}

// Appends the pages that are known; the result is the node of the last.
PrefixNode PageKeeper::FindCached(Sequence& sequence) const {
  PrefixNode node = cache_->Begin(sequence.request().cache_salt);
  for (int32_t i = 0; i < NumShareable(sequence.num_tokens()); ++i) {
    const auto hit = cache_->Find(node, PageTokens(sequence, i));
    if (!hit) break;
    sequence.pages().push_back(hit->page);
    node = hit->node;
  }
  return node;
}

void PageKeeper::CopyFrom(const Sequence& sibling, Sequence& sequence) const {
  const int32_t num_computed = std::min(sibling.num_computed(), sequence.num_prompt());
  const int32_t num_pages = std::min(num_computed / page_len_, NumShareable(sequence.num_tokens()));
  const auto pages = sibling.pages().first(static_cast<size_t>(num_pages));
  sequence.pages().assign(pages.begin(), pages.end());
}

bool PageKeeper::TryStart(Sequence& sequence, const Sequence* sibling, int32_t num_reserved) {
  WEIR_CHECK(sequence.pages().empty());
  const int32_t needed = PagesFor(sequence.num_tokens(), page_len_);
  PrefixNode node;
  if (cache_) {
    node = FindCached(sequence);
  } else if (sibling != nullptr) {
    CopyFrom(*sibling, sequence);
  }
  const auto num_found = static_cast<int32_t>(sequence.pages().size());
  const auto num_idle = static_cast<int32_t>(
      std::count_if(sequence.pages().begin(), sequence.pages().end(),
                    [&](PageId page) { return pool_.num_holders(page) == 0; }));
  if (needed - num_found + num_reserved > pool_.num_free() - num_idle) {
    sequence.pages().clear();
    return false;
  }
  for (const PageId page : sequence.pages()) pool_.Share(page);
  if (cache_) {
    sequence.table().num_published = num_found;
    sequence.table().last_node = node;
    if (!sequence.state().started) Count(sequence, num_found);
  }
  sequence.MarkFound(num_found * page_len_);
  return true;
}

// A request counts once: what its later outputs find is what the first one computed.
void PageKeeper::Count(const Sequence& sequence, int32_t num_found) {
  counts_.queries += sequence.num_tokens();
  counts_.hits += num_found * page_len_;
}

bool PageKeeper::TryGrow(Sequence& sequence, int32_t num_tokens) {
  std::vector<PageId>& pages = sequence.pages();
  const size_t num_before = pages.size();
  const int32_t wanted = PagesFor(num_tokens, page_len_) - static_cast<int32_t>(num_before);
  if (wanted <= 0) return true;
  if (!pool_.TryTake(wanted, pages)) return false;
  if (!cache_) return true;
  for (size_t i = num_before; i < pages.size(); ++i) cache_->Forget(pages[i]);
  return true;
}

int32_t PageKeeper::MostTokens(const Sequence& sequence) const {
  const auto num_pages = static_cast<int64_t>(sequence.pages().size()) + pool_.num_free();
  return static_cast<int32_t>(std::min<int64_t>(num_pages * page_len_, sequence.num_tokens()));
}

int32_t PageKeeper::NumMissing(const Sequence& sequence) const {
  const auto num_held = static_cast<int32_t>(sequence.pages().size());
  return std::max(0, PagesFor(sequence.num_tokens(), page_len_) - num_held);
}

void PageKeeper::Publish(Sequence& sequence) {
  if (!cache_) return;
  PageTable& table = sequence.table();
  while ((table.num_published + 1) * page_len_ <= sequence.num_computed()) {
    const auto tokens = PageTokens(sequence, table.num_published);
    PageId& page = table.pages[table.num_published++];
    const auto hit = cache_->Find(table.last_node, tokens);
    if (!hit) {
      table.last_node = cache_->Insert(table.last_node, tokens, page);
      pool_.Keep(page);
      continue;
    }
    pool_.Share(hit->page);
    pool_.Return({&page, 1});
    page = hit->page;
    table.last_node = hit->node;
    ++table.version;
  }
}

void PageKeeper::Release(Sequence& sequence) {
  PageTable& table = sequence.table();
  pool_.Return(table.pages);
  table.pages.clear();
  table.num_published = 0;
  table.last_node = {};
  ++table.version;
}

void PageKeeper::ResetPrefixCache() {
  if (!cache_) return;
  pool_.DropKept([&](PageId page) { cache_->Forget(page); });
}

}  // namespace weir
