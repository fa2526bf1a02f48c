// SPDX-License-Identifier: Apache-2.0
//
// Which KV pages are free, and how many hold each of the others. Knows counts and page ids only:
// what a page is used for is the caller's business. Engine thread only.
//
// A page whose content may be wanted again is marked with Keep. While nobody holds it, it counts
// as free, but it is handed out after all others, and among its like the one that was returned
// longest ago comes first.
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

  // Appends `num_pages` free pages to `out`, each with one holder and no longer kept, and returns
  // true, or takes nothing and returns false.
  [[nodiscard]] bool TryTake(int32_t num_pages, std::vector<PageId>& out);

  // One more holder of a page that is held or kept.
  void Share(PageId page);

  // One holder less of each. Pages without any become free, the first of the span last: of a
  // sequence's kept pages the last ones are handed out before those that they build on.
  // Requires: each was taken or shared, and not returned since.
  void Return(std::span<const PageId> pages);

  // Marks a page that is held.
  void Keep(PageId page);
  // Unmarks every kept page that nobody holds, after calling forget(page) for it.
  template <class Forget>
  void DropKept(Forget forget) {
    for (int32_t page = 0; page < num_pages(); ++page) {
      if (!kept_[page] || num_holders_[page] > 0) continue;
      forget(PageId{page});
      Drop(page);
    }
  }

  int32_t num_pages() const { return static_cast<int32_t>(num_holders_.size()); }
  int32_t num_free() const { return num_free_; }
  int32_t num_kept() const { return num_kept_; }
  int32_t num_holders(PageId page) const { return num_holders_[page.value]; }

 private:
  void CheckPage(PageId page) const;
  void Unlink(int32_t page);
  void LinkAfter(int32_t page, int32_t place);
  void Drop(int32_t page);

  // Free pages as a ring in the order in which they are handed out; its two ends meet in the entry
  // num_pages, which is no page.
  std::vector<int32_t> next_;
  std::vector<int32_t> previous_;
  std::vector<int32_t> num_holders_;  // by page
  std::vector<bool> kept_;            // by page
  int32_t num_free_;
  int32_t num_kept_ = 0;
};

}  // namespace weir

#endif  // WEIR_KV_PAGE_POOL_H_
