// SPDX-License-Identifier: Apache-2.0
#include "engine/step_planner.h"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr int32_t kMaxAge = 32;  // steps, as Planner::Next has it

bool OnlyDecodes(const ForwardBatch& batch) {
  return batch.num_rows() == static_cast<int32_t>(batch.kv_len.size());
}

}  // namespace

StepPlanner::StepPlanner(Planner planner, int32_t page_len, int32_t max_seqs)
    : planner_(std::move(planner)),
      page_len_(page_len),
      whole_units_(planner_.policy().splits == KvSplitRule::kPlanned) {
  last_len_.reserve(max_seqs);
  unit_len_.reserve(max_seqs);
}

AttnPlan StepPlanner::Next(const ForwardBatch& batch, bool same_seqs) {
  AttnBatch lengths = {.row_begin = batch.row_begin,
                       .kv_len = batch.kv_len,
                       .pages = batch.pages,
                       .page_begin = batch.page_begin,
                       .page_len = page_len_};
  if (!whole_units_ || !OnlyDecodes(batch)) {
    last_len_.clear();
    ++num_plans_;
    return planner_.Plan(lengths);
  }
  const bool refresh = age_ < kMaxAge && GoesOn(batch);
  const bool same_units = FillWholeUnits(batch);
  last_len_.assign(batch.kv_len.begin(), batch.kv_len.end());
  age_ = refresh ? age_ + 1 : 0;
  if (refresh && same_units && same_seqs) return plan_;
  lengths.kv_len = unit_len_;
  ++num_plans_;
  plan_ = refresh ? planner_.Refresh(lengths) : planner_.Plan(lengths);
  return plan_;
}

// The same sequences as far as lengths tell, each a token longer. That is enough for a payload.
bool StepPlanner::GoesOn(const ForwardBatch& batch) const {
  const auto longer = [](int32_t last, int32_t len) { return len == last + 1; };
  return std::equal(last_len_.begin(), last_len_.end(), batch.kv_len.begin(), batch.kv_len.end(),
                    longer);
}

// Whether the lengths in whole units are those of the last batch.
bool StepPlanner::FillWholeUnits(const ForwardBatch& batch) {
  const int32_t unit = planner_.capacity().unit_len;
  const auto whole = [unit](int32_t len) { return (len + unit - 1) / unit * unit; };
  bool same = unit_len_.size() == batch.kv_len.size();
  unit_len_.resize(batch.kv_len.size());
  for (size_t i = 0; i < unit_len_.size(); ++i) {
    const int32_t len = whole(batch.kv_len[i]);
    same = same && unit_len_[i] == len;
    unit_len_[i] = len;
  }
  return same;
}

}  // namespace weir
