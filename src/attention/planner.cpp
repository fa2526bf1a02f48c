// SPDX-License-Identifier: Apache-2.0
#include "attention/planner.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"

namespace weir {
namespace {

// Query rows times query heads per KV head that one item packs: enough to use a loaded key or value
// many times, few enough that scores and outputs stay in the first-level cache.
constexpr int32_t kPackedRows = 64;

int32_t RowsPerItem(const AttnShape& shape) {
  return std::max(1, kPackedRows / (shape.num_q_heads / shape.num_kv_heads));
}

}  // namespace

Planner::Planner(const AttnShape& shape, int32_t max_rows, int32_t max_seqs) : shape_(shape) {
  // Every sequence may leave one item that is not full.
  const int64_t max_items =
      (int64_t{max_rows} / RowsPerItem(shape) + max_seqs) * shape.num_kv_heads;
  entries_.reserve(static_cast<size_t>(max_items));
  items_.reserve(static_cast<size_t>(max_items));
}

AttnPlan Planner::Plan(std::span<const int32_t> row_begin, std::span<const int32_t> kv_len) {
  WEIR_CHECK_EQ(row_begin.size(), kv_len.size() + 1);
  const int32_t rows_per_item = RowsPerItem(shape_);
  entries_.clear();
  for (int32_t seq = 0; seq < static_cast<int32_t>(kv_len.size()); ++seq) {
    const int32_t q_len = row_begin[seq + 1] - row_begin[seq];
    for (int32_t begin = 0; begin < q_len; begin += rows_per_item) {
      const int32_t end = std::min(begin + rows_per_item, q_len);
      const int64_t work = int64_t{end - begin} * (kv_len[seq] - q_len + end);
      for (int32_t head = 0; head < shape_.num_kv_heads; ++head) {
        entries_.push_back({work, {.seq = seq, .kv_head = head, .q_begin = begin, .q_end = end}});
      }
    }
  }
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
    return std::tuple(-a.work, a.item.seq, a.item.q_begin, a.item.kv_head) <
           std::tuple(-b.work, b.item.seq, b.item.q_begin, b.item.kv_head);
  });
  items_.clear();
  for (const Entry& entry : entries_) items_.push_back(entry.item);
  return {.items = items_};
}

}  // namespace weir
