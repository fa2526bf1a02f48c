// SPDX-License-Identifier: Apache-2.0
#include "kv/page_pool.h"

#include "base/check.h"

namespace weir {

int32_t PagesFor(int32_t num_tokens, int32_t page_len) {
  return static_cast<int32_t>((int64_t{num_tokens} + page_len - 1) / page_len);
}

PagePool::PagePool(int32_t num_pages)
    : next_(num_pages + 1),
      previous_(num_pages + 1),
      num_holders_(num_pages, 0),
      kept_(num_pages, false),
      num_free_(num_pages) {
  for (int32_t i = 0; i <= num_pages; ++i) {
    next_[i] = i == num_pages ? 0 : i + 1;
    previous_[i] = i == 0 ? num_pages : i - 1;
  }
}

void PagePool::CheckPage(PageId page) const {
  WEIR_CHECK_GE(page.value, 0);
  WEIR_CHECK_LT(page.value, num_pages());
}

void PagePool::Unlink(int32_t page) {
  next_[previous_[page]] = next_[page];
  previous_[next_[page]] = previous_[page];
  --num_free_;
}

void PagePool::LinkAfter(int32_t page, int32_t place) {
  next_[page] = next_[place];
  previous_[page] = place;
  previous_[next_[place]] = page;
  next_[place] = page;
  ++num_free_;
}

bool PagePool::TryTake(int32_t num_pages, std::vector<PageId>& out) {
  WEIR_CHECK_GE(num_pages, 0);
  if (num_pages > num_free_) return false;
  const int32_t ends = this->num_pages();
  for (int32_t i = 0; i < num_pages; ++i) {
    const int32_t page = next_[ends];
    Unlink(page);
    num_kept_ -= kept_[page];
    kept_[page] = false;
    num_holders_[page] = 1;
    out.push_back(PageId{page});
  }
  return true;
}

void PagePool::Share(PageId page) {
  CheckPage(page);
  WEIR_CHECK(num_holders_[page.value] > 0 || kept_[page.value]);
  if (num_holders_[page.value]++ == 0) Unlink(page.value);
}

void PagePool::Return(std::span<const PageId> pages) {
  const int32_t ends = num_pages();
  for (auto page = pages.rbegin(); page != pages.rend(); ++page) {
    CheckPage(*page);
    WEIR_CHECK_GT(num_holders_[page->value], 0);
    if (--num_holders_[page->value] > 0) continue;
    // What is returned last is the warmest, so it goes first, unless its content is worth keeping.
    LinkAfter(page->value, kept_[page->value] ? previous_[ends] : ends);
  }
}

void PagePool::Keep(PageId page) {
  CheckPage(page);
  WEIR_CHECK_GT(num_holders_[page.value], 0);
  num_kept_ += !kept_[page.value];
  kept_[page.value] = true;
}

void PagePool::Drop(int32_t page) {
  kept_[page] = false;
  --num_kept_;
  Unlink(page);
  LinkAfter(page, num_pages());
}

}  // namespace weir
