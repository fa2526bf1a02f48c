// SPDX-License-Identifier: Apache-2.0
#include "attention/shared_prefix.h"

#include <algorithm>
#include <cstring>
#include <tuple>

namespace weir {
namespace {

std::span<const int32_t> PagesOf(const AttnBatch& batch, int32_t seq) {
  return batch.pages.subspan(batch.page_begin[seq],
                             batch.page_begin[seq + 1] - batch.page_begin[seq]);
}

// How many pages from the beginning are equal, of which `equal` are known to be. Whole blocks
// first: shared stretches are long, and memcmp is much faster than a loop.
int32_t CommonPages(std::span<const int32_t> a, std::span<const int32_t> b, int32_t equal) {
  constexpr size_t kBlock = 64;
  const size_t end = std::min(a.size(), b.size());
  auto i = static_cast<size_t>(equal);
  while (i + kBlock <= end && std::memcmp(&a[i], &b[i], kBlock * sizeof(int32_t)) == 0) i += kBlock;
  while (i < end && a[i] == b[i]) ++i;
  return static_cast<int32_t>(i);
}

}  // namespace

SharedPrefix::SharedPrefix(int32_t max_seqs) {
  order_.reserve(max_seqs);
  keys_.reserve(max_seqs);
  nodes_.reserve(max_seqs);
}

void SharedPrefix::Find(const AttnBatch& batch, std::span<const int32_t> seqs) {
  order_.clear();
  nodes_.clear();
  if (batch.pages.empty()) return;
  order_.assign(seqs.begin(), seqs.end());
  keys_.resize(order_.size());
  SplitByPage(batch, 0, static_cast<int32_t>(order_.size()), 0, -1);
}

void SharedPrefix::SortByKey(int32_t first, int32_t end) {
  const auto by_key = [](const Key& a, const Key& b) {
    return std::tie(a.pages, a.seq) < std::tie(b.pages, b.seq);
  };
  std::sort(keys_.begin() + first, keys_.begin() + end, by_key);
  for (int32_t i = first; i < end; ++i) order_[i] = keys_[i].seq;
}

// Sequences order_[first, end) agree on the pages before `page`; which agree on that one too? Those
// whose tables end there stand first and go no further.
void SharedPrefix::SplitByPage(const AttnBatch& batch, int32_t first, int32_t end, int32_t page,
                               int32_t parent) {
  for (int32_t i = first; i < end; ++i) {
    const auto pages = PagesOf(batch, order_[i]);
    keys_[i] = {.pages = page < std::ssize(pages) ? pages[page] : -1, .seq = order_[i]};
  }
  SortByKey(first, end);
  for (int32_t i = first; i < end;) {
    const int32_t id = keys_[i].pages;
    int32_t next = i + 1;
    while (next < end && keys_[next].pages == id) ++next;
    if (id >= 0 && next - i > 1) SplitByCommon(batch, i, next, page, parent);
    i = next;
  }
}

// Sequences order_[first, end) agree on the pages up to and with `page`. Sorts them by how many
// they share with the first of them, most last: wherever that number grows a node ends, of all from
// there on, and those with one number go on among themselves. The depth of the recursion is at most
// the number of sequences, because the first one stays behind.
void SharedPrefix::SplitByCommon(const AttnBatch& batch, int32_t first, int32_t end, int32_t page,
                                 int32_t parent) {
  const int32_t pivot = order_[first];
  for (int32_t i = first; i < end; ++i) {
    const int32_t seq = order_[i];
    const int32_t common = seq == pivot
                               ? INT32_MAX
                               : CommonPages(PagesOf(batch, pivot), PagesOf(batch, seq), page + 1);
    keys_[i] = {.pages = common, .seq = seq};
  }
  SortByKey(first, end);
  int32_t page_begin = parent >= 0 ? nodes_[parent].page_end : 0;
  for (int32_t i = first; i + 1 < end;) {
    const int32_t common = keys_[i].pages;
    int32_t next = i + 1;
    while (keys_[next].pages == common) ++next;  // ends at the pivot
    nodes_.push_back({i, end - i, page_begin, common, parent});
    parent = static_cast<int32_t>(nodes_.size()) - 1;
    page_begin = common;
    if (next - i > 1) SplitByPage(batch, i, next, common, parent);
    i = next;
  }
}

}  // namespace weir
