// SPDX-License-Identifier: Apache-2.0
#include "kv/page_pool.h"

#include "base/check.h"

namespace weir {

int32_t PagesFor(int32_t num_tokens, int32_t page_len) {
  return static_cast<int32_t>((int64_t{num_tokens} + page_len - 1) / page_len);
}

PagePool::PagePool(int32_t num_pages) : taken_(num_pages, false) {
  free_.reserve(num_pages);
  for (int32_t page = num_pages - 1; page >= 0; --page) free_.push_back(PageId{page});
}

bool PagePool::TryTake(int32_t num_pages, std::vector<PageId>& out) {
  WEIR_CHECK_GE(num_pages, 0);
  if (num_pages > num_free()) return false;
  for (int32_t i = 0; i < num_pages; ++i) {
    const PageId page = free_.back();
    free_.pop_back();
    taken_[page.value] = true;
    out.push_back(page);
  }
  return true;
}

void PagePool::Return(std::span<const PageId> pages) {
  for (const PageId page : pages) {
    WEIR_CHECK_GE(page.value, 0);
    WEIR_CHECK_LT(page.value, num_pages());
    WEIR_CHECK(taken_[page.value]);
    taken_[page.value] = false;
    free_.push_back(page);
  }
}

}  // namespace weir
