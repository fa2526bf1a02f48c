// SPDX-License-Identifier: Apache-2.0
//
// What every plan must be, for tests and fuzzing. See the guarantees in planner.h.
#ifndef WEIR_ATTENTION_PLAN_CHECKER_TEST_UTIL_H_
#define WEIR_ATTENTION_PLAN_CHECKER_TEST_UTIL_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "attention/planner.h"

namespace weir {

class PlanChecker {
 public:
  PlanChecker(const AttnPlan& plan, const AttnBatch& batch, const AttnShape& shape,
              const Planner& planner)
      : plan_(plan), batch_(batch), shape_(shape), planner_(planner) {}

  // The first thing that is wrong, or nothing.
  std::string Fault() {
    CheckBounds();
    for (const AttnItem& item : plan_.items()) AddItem(item);
    for (auto& [rows, stretches] : stretches_) CheckStretches(rows, stretches);
    CheckRows();
    CheckSlots();
    CheckCounts();
    return fault_;
  }

 private:
  // A stretch of keys of some rows and one KV head, and the parts that it fills.
  struct Stretch {
    int32_t kv_begin;
    int32_t kv_end;
    int32_t part;
    int32_t merge;
    friend bool operator<(const Stretch& a, const Stretch& b) { return a.kv_begin < b.kv_begin; }
  };
  using RowsAndHead = std::tuple<int32_t, int32_t, int32_t, int32_t>;  // seq, head, q_begin, q_end

  void Expect(bool holds, const char* what, int64_t where) {
    if (!holds && fault_.empty()) fault_ = std::string(what) + ", at " + std::to_string(where);
  }

  void CheckBounds() {
    const PlanCapacity& capacity = planner_.capacity();
    Expect(plan_.work.num_items <= capacity.max_items, "too many items", plan_.work.num_items);
    Expect(plan_.work.num_merges <= capacity.max_merges, "too many merges", plan_.work.num_merges);
    Expect(plan_.counts.num_slot_rows <= capacity.max_slot_rows(), "too many slot rows",
           plan_.counts.num_slot_rows);
    Expect(std::isfinite(plan_.predicted_us) && plan_.predicted_us >= 0, "no predicted time", 0);
    Expect(std::isfinite(plan_.floor_us) && plan_.floor_us >= 0, "no floor", 0);
    Expect((plan_.work.num_items > 0) == (plan_.predicted_us > 0), "items take time", 0);
  }

  void AddItem(const AttnItem& item) {
    const Stretch stretch = {item.kv_begin, item.kv_end, item.part, item.merge};
    Expect(item.kv_head >= 0 && item.kv_head < shape_.num_kv_heads, "no such head", item.kv_head);
    Expect(item.seq >= 0 && item.seq < batch_.num_seqs(), "no such sequence", item.seq);
    if (!fault_.empty()) return;
    if (item.num_members == 0) {
      stretches_[{item.seq, item.kv_head, item.q_begin, item.q_end}].push_back(stretch);
      return;
    }
    Expect(item.merge == -1 && item.q_begin == 0 && item.q_end == 0,
           "a shared item's rows are its "
           "members'",
           item.seq);
    for (int32_t i = 0; i < item.num_members; ++i) {
      AddMember(item, plan_.work.members[item.first_member + i], stretch);
    }
  }

  // Members hold the same pages as the sequence whose table is read, and see all of the stretch.
  void AddMember(const AttnItem& item, const AttnMember& member, Stretch stretch) {
    Expect(stretch.kv_end <= batch_.cached(member.seq), "a member sees all", member.seq);
    for (int32_t t = item.kv_begin; t < item.kv_end; t += batch_.page_len) {
      const int32_t page = t / batch_.page_len;
      Expect(batch_.pages[batch_.page_begin[member.seq] + page] ==
                 batch_.pages[batch_.page_begin[item.seq] + page],
             "members hold the same pages", member.seq);
    }
    stretch.merge = member.merge + item.kv_head;
    stretches_[{member.seq, item.kv_head, 0, batch_.q_len(member.seq)}].push_back(stretch);
  }

  // Ascending without holes from the first key that any of the rows sees to the last.
  void CheckStretches(const RowsAndHead& rows, std::vector<Stretch>& stretches) {
    const auto [seq, head, q_begin, q_end] = rows;
    std::sort(stretches.begin(), stretches.end());
    const int32_t first_end = shape_.causal ? batch_.cached(seq) + q_begin + 1 : batch_.kv_len[seq];
    const int32_t last_end = shape_.causal ? batch_.cached(seq) + q_end : batch_.kv_len[seq];
    const int32_t first = shape_.window > 0 ? std::max(0, first_end - shape_.window) : 0;
    const int32_t unit = planner_.capacity().unit_len;
    Expect(stretches.front().kv_begin == first / unit * unit, "begins with the first key", seq);
    Expect(stretches.back().kv_end == last_end, "ends with the last key", seq);
    const bool whole = stretches.size() == 1;
    const int32_t segment = plan_.work.segment_len;
    int32_t part = 0;
    for (size_t i = 0; i < stretches.size(); ++i) {
      const Stretch& s = stretches[i];
      Expect(s.kv_begin < s.kv_end, "an item has keys", seq);
      Expect(s.kv_begin % unit == 0, "cuts fall on units", seq);
      Expect((s.merge >= 0) == !whole, "rows of several items are merged", seq);
      Expect(s.part == part, "parts ascend", seq);
      Expect(i == 0 || s.kv_begin == stretches[i - 1].kv_end, "no holes and no key twice", seq);
      part += segment == 0 || i == 0 ? 1 : (s.kv_end - s.kv_begin + segment - 1) / segment;
    }
    if (!whole) CheckMerge(rows, stretches, part);
  }

  void CheckMerge(const RowsAndHead& rows, const std::vector<Stretch>& stretches,
                  int32_t num_parts) {
    const int32_t seq = std::get<0>(rows);
    for (const Stretch& s : stretches) {
      Expect(s.merge == stretches[0].merge && s.merge < plan_.work.num_merges, "one merge", seq);
    }
    if (!fault_.empty()) return;
    const AttnMerge& merge = plan_.work.merges[stretches[0].merge];
    Expect(std::tuple(merge.seq, merge.kv_head, merge.q_begin, merge.q_end) == rows,
           "a merge of these rows", seq);
    Expect(merge.num_parts == num_parts, "a merge of these parts", seq);
    Expect(merge.num_items == static_cast<int32_t>(stretches.size()), "a merge of all items", seq);
    ++num_merged_;
  }

  // Every new row is in an item of every head.
  void CheckRows() {
    std::map<std::pair<int32_t, int32_t>, int32_t> next_row;  // by sequence and head
    for (const auto& entry : stretches_) {
      const auto [seq, head, q_begin, q_end] = entry.first;
      Expect(q_begin == next_row[std::pair(seq, head)], "rows follow each other", seq);
      next_row[std::pair(seq, head)] = q_end;
    }
    for (int32_t seq = 0; seq < batch_.num_seqs(); ++seq) {
      for (int32_t head = 0; head < shape_.num_kv_heads; ++head) {
        Expect(next_row[std::pair(seq, head)] == batch_.q_len(seq), "all rows", seq);
      }
    }
  }

  // No two merges share a slot row.
  void CheckSlots() {
    Expect(num_merged_ == plan_.work.num_merges, "each merge is used", num_merged_);
    int64_t next = 0;
    for (const AttnMerge& merge : plan_.merges()) {
      Expect(merge.first_slot_row == next, "slots stand end to end", merge.seq);
      next += int64_t{merge.num_parts} * (merge.q_end - merge.q_begin) * shape_.group();
    }
    Expect(next == plan_.counts.num_slot_rows, "slot rows are counted", next);
  }

  void CheckCounts() {
    AttnCounts counts = {};
    for (const AttnItem& item : plan_.items()) {
      ++counts.num_items[static_cast<int>(item.route)];
      counts.num_shared_items += item.num_members > 0;
    }
    for (const AttnDecision& decision : plan_.decisions) {
      ++counts.num_seqs[static_cast<int>(decision.route)];
    }
    for (const AttnMerge& merge : plan_.merges()) counts.num_slots += merge.num_parts;
    for (int route = 0; route < 5; ++route) {
      Expect(counts.num_items[route] == plan_.counts.num_items[route], "items are counted", route);
      Expect(counts.num_seqs[route] == plan_.counts.num_seqs[route], "rows are counted", route);
    }
    Expect(counts.num_shared_items == plan_.counts.num_shared_items, "shared items are counted", 0);
    Expect(counts.num_slots == plan_.counts.num_slots, "slots are counted", 0);
  }

  const AttnPlan& plan_;
  const AttnBatch& batch_;
  const AttnShape& shape_;
  const Planner& planner_;
  std::string fault_;
  std::map<RowsAndHead, std::vector<Stretch>> stretches_;
  int32_t num_merged_ = 0;
};

inline std::string PlanFault(const AttnPlan& plan, const AttnBatch& batch, const AttnShape& shape,
                             const Planner& planner) {
  return PlanChecker(plan, batch, shape, planner).Fault();
}

}  // namespace weir

#endif  // WEIR_ATTENTION_PLAN_CHECKER_TEST_UTIL_H_
