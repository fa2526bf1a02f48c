// SPDX-License-Identifier: Apache-2.0
//
// Which sequences hold the same pages at their beginnings. A page id names its content, so equal
// ids from the beginning on are a shared prefix. The result is the radix tree of the page tables,
// without the page tables that share nothing.
#ifndef WEIR_ATTENTION_SHARED_PREFIX_H_
#define WEIR_ATTENTION_SHARED_PREFIX_H_

#include <cstdint>
#include <span>
#include <vector>

#include "attention/attn_plan.h"

namespace weir {

// Sequences order()[first, first + count) share the pages [page_begin, page_end) of their tables.
struct SharedNode {
  int32_t first;
  int32_t count;       // at least 2
  int32_t page_begin;  // where the parent's pages end, 0 without a parent
  int32_t page_end;
  int32_t parent;  // index of a node that stands earlier, or -1
};

class SharedPrefix {
 public:
  explicit SharedPrefix(int32_t max_seqs);

  // Looks at the sequences `seqs` of the batch. Nodes are in an order where parents come first.
  // Each page of a shared stretch is compared once per sequence.
  void Find(const AttnBatch& batch, std::span<const int32_t> seqs);

  std::span<const SharedNode> nodes() const { return nodes_; }
  std::span<const int32_t> order() const { return order_; }

 private:
  struct Key {
    int32_t pages;  // what to sort by: a page id, or how many pages are shared
    int32_t seq;
  };
  void SplitByPage(const AttnBatch& batch, int32_t first, int32_t end, int32_t page,
                   int32_t parent);
  void SplitByCommon(const AttnBatch& batch, int32_t first, int32_t end, int32_t page,
                     int32_t parent);
  void SortByKey(int32_t first, int32_t end);

  std::vector<int32_t> order_;
  std::vector<Key> keys_;  // by place in order_
  std::vector<SharedNode> nodes_;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_SHARED_PREFIX_H_
