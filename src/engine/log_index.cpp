// SPDX-License-Identifier: Apache-2.0
#include "engine/log_index.h"

#include <algorithm>

namespace weir {

LogIndex::LogIndex(const StepLog& log) : log_(log) {
  for (const RequestRecord& request : log.requests) requests_[request.request] = &request;
}

const RequestRecord* LogIndex::Request(RequestId id) const {
  const auto found = requests_.find(id);
  return found == requests_.end() ? nullptr : found->second;
}

const StepRecord* LogIndex::Step(int64_t step) const {
  const auto by_step = [](const StepRecord& s, int64_t number) { return s.step < number; };
  const auto at = std::lower_bound(log_.steps.begin(), log_.steps.end(), step, by_step);
  return at != log_.steps.end() && at->step == step ? &*at : nullptr;
}

std::span<const StepRecord> LogIndex::Steps(int64_t after, int64_t until) const {
  const auto by_step = [](int64_t number, const StepRecord& s) { return number < s.step; };
  const auto first = std::upper_bound(log_.steps.begin(), log_.steps.end(), after, by_step);
  const auto last = std::upper_bound(first, log_.steps.end(), until, by_step);
  return {first, last};
}

std::span<const RowRecord> LogIndex::Rows(int64_t step) const {
  const auto before = [](const RowRecord& r, int64_t number) { return r.step < number; };
  const auto beyond = [](int64_t number, const RowRecord& r) { return number < r.step; };
  const auto first = std::lower_bound(log_.rows.begin(), log_.rows.end(), step, before);
  const auto last = std::upper_bound(first, log_.rows.end(), step, beyond);
  return {first, last};
}

StepLoad LogIndex::LoadOf(const RowRecord& row) const {
  const RequestRecord* request = Request(row.request);
  const bool ends_prompt = request != nullptr && row.kv_len >= request->num_prompt;
  StepLoad load;
  load.Add(row.kv_len - row.q_len, row.kv_len, row.row_class == RowClass::kDecode || ends_prompt);
  return load;
}

}  // namespace weir
