// SPDX-License-Identifier: Apache-2.0
//
// Which KV pages are free. Knows counts and page ids only: what a page is used for is the caller's
// business. Engine thread only.
#ifndef WEIR_KV_PAGE_POOL_H_
#define WEIR_KV_PAGE_POOL_H_

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace weir {

int32_t PagesFor(int32_t num_tokens, int32_t page_len);  // rounds up

class PagePool {
 public:
  explicit PagePool(int32_t num_pages);

  // Appends `num_pages` free pages to `out` and returns true, or takes nothing and returns false.
  [[nodiscard]] bool TryTake(int32_t num_pages, std::vector<PageId>& out);

  // Requires: each page was taken from this pool and not returned since.
  void Return(std::span<const PageId> pages);

  int32_t num_pages() const { return static_cast<int32_t>(taken_.size()); }
  int32_t num_free() const { return static_cast<int32_t>(free_.size()); }

 private:
  std::vector<PageId> free_;  // a stack: the page returned last is the warmest
  std::vector<bool> taken_;   // by page, to catch double returns
};

}  // namespace weir

#endif  // WEIR_KV_PAGE_POOL_H_
