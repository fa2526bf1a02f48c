// SPDX-License-Identifier: Apache-2.0
//
// Cuts a step's attention into work items. Pure host code: lengths in, items out.
#ifndef WEIR_ATTENTION_PLANNER_H_
#define WEIR_ATTENTION_PLANNER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/paged_attention.h"

namespace weir {

struct AttnShape {
  int32_t num_q_heads;
  int32_t num_kv_heads;
};

// Valid until the planner plans again.
struct AttnPlan {
  std::span<const AttnItem> items;  // longest first
};

// Guarantees, checked by planner_test.cpp for random inputs:
//   1. each (sequence, new row, KV head) lies in exactly one item;
//   2. equal inputs give equal plans;
//   3. items come in descending order of work (rows times visible tokens), so that the last ones
//      taken are short: longest-processing-time scheduling (Graham 1969).
class Planner {
 public:
  // Takes the memory that a step of this many new rows and sequences needs.
  Planner(const AttnShape& shape, int32_t max_rows, int32_t max_seqs);

  // Requires: row_begin.size() == kv_len.size() + 1.
  AttnPlan Plan(std::span<const int32_t> row_begin, std::span<const int32_t> kv_len);

 private:
  struct Entry {
    int64_t work;
    AttnItem item;
  };

  AttnShape shape_;
  std::vector<Entry> entries_;
  std::vector<AttnItem> items_;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_PLANNER_H_
