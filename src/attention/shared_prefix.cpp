// SPDX-License-Identifier: Apache-2.0
#include "attention/shared_prefix.h"

#include <algorithm>
#include <tuple>

namespace weir {
namespace {

std::span<const int32_t> PagesOf(const AttnBatch& batch, int32_t seq) {
  return batch.pages.subspan(batch.page_begin[seq],
                             batch.page_begin[seq + 1] - batch.page_begin[seq]);
}

bool HasPages(const AttnBatch& batch, int32_t seq) {
  return batch.page_begin[seq] < batch.page_begin[seq + 1];
}

int32_t CommonPages(std::span<const int32_t> a, std::span<const int32_t> b) {
  const auto end = a.begin() + static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
  return static_cast<int32_t>(std::mismatch(a.begin(), end, b.begin()).first - a.begin());
}

}  // namespace

SharedPrefix::SharedPrefix(int32_t max_seqs) {
  order_.reserve(max_seqs);
  common_.reserve(max_seqs);
  nodes_.reserve(max_seqs);
}

void SharedPrefix::Find(const AttnBatch& batch, std::span<const int32_t> seqs) {
  order_.clear();
  nodes_.clear();
  if (batch.pages.empty()) return;
  for (const int32_t seq : seqs) {
    if (HasPages(batch, seq)) order_.push_back(seq);
  }
  // First pages decide almost always; whole tables are compared only behind equal ones.
  std::sort(order_.begin(), order_.end(), [&](int32_t a, int32_t b) {
    const auto pages_a = PagesOf(batch, a);
    const auto pages_b = PagesOf(batch, b);
    if (pages_a[0] != pages_b[0]) return pages_a[0] < pages_b[0];
    const int32_t common = CommonPages(pages_a, pages_b);
    const int32_t next_a = common < std::ssize(pages_a) ? pages_a[common] : -1;
    const int32_t next_b = common < std::ssize(pages_b) ? pages_b[common] : -1;
    return std::tie(next_a, a) < std::tie(next_b, b);
  });
  FindCommonPages(batch);
  AddNodes(0, static_cast<int32_t>(order_.size()), 0, -1);
}

void SharedPrefix::FindCommonPages(const AttnBatch& batch) {
  common_.clear();
  for (size_t i = 0; i + 1 < order_.size(); ++i) {
    common_.push_back(CommonPages(PagesOf(batch, order_[i]), PagesOf(batch, order_[i + 1])));
  }
}

// Sequences [first, end) agree on `page_begin` pages. Cuts them where neighbours agree on no more,
// and goes on within each piece. The depth of the recursion is at most the number of sequences.
void SharedPrefix::AddNodes(int32_t first, int32_t end, int32_t page_begin, int32_t parent) {
  while (first < end) {
    int32_t last = first;
    int32_t common = INT32_MAX;
    while (last + 1 < end && common_[last] > page_begin) common = std::min(common, common_[last++]);
    if (last > first) {
      const auto node = static_cast<int32_t>(nodes_.size());
      nodes_.push_back({first, last + 1 - first, page_begin, common, parent});
      AddNodes(first, last + 1, common, node);
    }
    first = last + 1;
  }
}

}  // namespace weir
