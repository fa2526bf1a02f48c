// SPDX-License-Identifier: Apache-2.0
//
// Which sequences hold the same pages at their beginnings. A page id names its content, and what
// stands before it, so equal ids at equal places are a shared prefix. The result is the radix tree
// of the page tables, without the page tables that share nothing.
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
  void Find(const AttnBatch& batch, std::span<const int32_t> seqs);

  std::span<const SharedNode> nodes() const { return nodes_; }
  std::span<const int32_t> order() const { return order_; }

 private:
  void FindCommonPages(const AttnBatch& batch);
  void AddNodes(int32_t first, int32_t end, int32_t page_begin, int32_t parent);

  std::vector<int32_t> order_;   // sequences, sorted by page table
  std::vector<int32_t> common_;  // pages that order_[i] has in common with order_[i + 1]
  std::vector<SharedNode> nodes_;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_SHARED_PREFIX_H_
