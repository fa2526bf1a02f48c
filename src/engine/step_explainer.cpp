// SPDX-License-Identifier: Apache-2.0
#include "engine/step_explainer.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "base/error.h"
#include "engine/log_index.h"
#include "engine/step_load.h"

namespace weir {
namespace {

StepLoad Plus(StepLoad a, const StepLoad& b, int sign) {
  for (int i = 0; i < kNumRowClasses; ++i) {
    a.num_seqs[i] += sign * b.num_seqs[i];
    a.num_tokens[i] += sign * b.num_tokens[i];
  }
  a.num_logits += sign * b.num_logits;
  a.decode_keys += sign * b.decode_keys;
  a.fresh_pairs += sign * b.fresh_pairs;
  a.cached_pairs += sign * b.cached_pairs;
  return a;
}

bool IsOf(const RowRecord& row, RequestId request, int32_t index) {
  return row.request == request && row.index == index;
}

// An output token and the step that it came with.
struct Emission {
  int32_t token;  // from 1
  const StepRecord* step;
};

// One output of the request, as its rows tell of it.
struct OutputWalk {
  std::vector<Emission> emissions;
  int32_t rows_before_first = 0;
  int32_t num_preempted = 0;
  int64_t num_recomputed = 0;
};

// A row yields a token when it goes beyond the prompt and beyond what was computed before: after a
// preemption only the last of the rows that compute everything again does. Without a known prompt a
// decode that the log begins with is taken for the first token.
OutputWalk WalkOutput(const LogIndex& index, RequestId request, int32_t output) {
  const RequestRecord* record = index.Request(request);
  std::optional<int32_t> prompt;
  if (record != nullptr) prompt = record->num_prompt;
  OutputWalk walk;
  int32_t computed = 0;  // now
  int32_t highest = 0;   // ever
  const RowRecord* last = nullptr;
  for (const RowRecord& row : index.log().rows) {
    if (!IsOf(row, request, output)) continue;
    const StepRecord* step = index.Step(row.step);
    if (step == nullptr) continue;
    const int32_t begin = row.kv_len - row.q_len;
    if (last != nullptr && begin < computed) ++walk.num_preempted;
    walk.num_recomputed += std::max(0, std::min(row.kv_len, highest) - begin);
    if (!prompt && row.row_class == RowClass::kDecode) {
      prompt = begin;
      // The last row of the prompt yielded the token that this one feeds back.
      if (last != nullptr) {
        walk.emissions.push_back({1, index.Step(last->step)});
        --walk.rows_before_first;
      }
    }
    const bool yields = prompt && row.kv_len >= *prompt && row.kv_len > highest;
    if (yields) walk.emissions.push_back({row.kv_len - *prompt + 1, step});
    if (walk.emissions.empty()) ++walk.rows_before_first;
    computed = row.kv_len;
    highest = std::max(highest, computed);
    last = &row;
  }
  return walk;
}

// The work of others in one step, added up by request and class.
void AddCauses(const LogIndex& index, const StepRecord& step, RequestId request, int32_t output,
               std::map<std::pair<RequestId, RowClass>, GapCause>& causes) {
  const auto rows = index.Rows(step.step);
  StepLoad all;
  for (const RowRecord& row : rows) all = Plus(all, index.LoadOf(row), 1);
  const double all_us = PredictUs(index.log().cost, all);
  for (const RowRecord& row : rows) {
    if (IsOf(row, request, output)) continue;
    const StepLoad without = Plus(all, index.LoadOf(row), -1);
    const auto [at, is_new] = causes.try_emplace({row.request, row.row_class});
    GapCause& cause = at->second;
    if (is_new) {
      cause = {.request = row.request,
               .row_class = row.row_class,
               .q_len = 0,
               .cached = row.kv_len - row.q_len,
               .share_us = 0};
    }
    cause.q_len += row.q_len;
    cause.share_us += all_us - PredictUs(index.log().cost, without);
  }
}

void FindCauses(const LogIndex& index, RequestId request, int32_t output, int64_t after,
                TokenGap& gap) {
  std::map<std::pair<RequestId, RowClass>, GapCause> causes;
  gap.idle_us = gap.gap_us;
  for (const StepRecord& step : index.Steps(after, gap.step)) {
    const auto rows = index.Rows(step.step);
    const auto is_own = [&](const RowRecord& row) { return IsOf(row, request, output); };
    ++gap.num_steps;
    gap.num_steps_away += std::none_of(rows.begin(), rows.end(), is_own);
    gap.idle_us -= step.total_us;
    if (step.predicted_us > 0) gap.slower_us += step.total_us - step.predicted_us;
    AddCauses(index, step, request, output, causes);
  }
  for (const auto& [key, cause] : causes) gap.causes.push_back(cause);
  const auto larger = [](const GapCause& a, const GapCause& b) {
    return a.share_us != b.share_us ? a.share_us > b.share_us : a.q_len > b.q_len;
  };
  std::stable_sort(gap.causes.begin(), gap.causes.end(), larger);
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

OutputExplanation ExplainOutput(const LogIndex& index, RequestId request, int32_t output,
                                const OutputWalk& walk, int32_t max_gaps) {
  OutputExplanation result = {.index = output,
                              .num_tokens = static_cast<int32_t>(walk.emissions.size()),
                              .typical_us = 0,
                              .num_preempted = walk.num_preempted,
                              .num_recomputed = walk.num_recomputed,
                              .worst = {}};
  std::vector<std::pair<double, size_t>> gaps;  // negative time, so that the longest comes first
  std::vector<double> times;
  for (size_t i = 1; i < walk.emissions.size(); ++i) {
    times.push_back(EndUs(*walk.emissions[i].step) - EndUs(*walk.emissions[i - 1].step));
    gaps.emplace_back(-times.back(), i);
  }
  result.typical_us = Median(times);
  const size_t count = std::min(gaps.size(), static_cast<size_t>(std::max(0, max_gaps)));
  std::partial_sort(gaps.begin(), gaps.begin() + static_cast<std::ptrdiff_t>(count), gaps.end());
  for (size_t i = 0; i < count; ++i) {
    const Emission& emission = walk.emissions[gaps[i].second];
    TokenGap gap = {.token = emission.token, .step = emission.step->step, .gap_us = -gaps[i].first};
    FindCauses(index, request, output, walk.emissions[gaps[i].second - 1].step->step, gap);
    result.worst.push_back(std::move(gap));
  }
  return result;
}

void ExplainQueue(const LogIndex& index, const StepRecord& first, Explanation& result) {
  const RequestRecord* record = index.Request(result.request);
  const StepRecord& earliest = index.log().steps.front();
  const bool came_before = record == nullptr || earliest.begin_us > record->arrived_us;
  result.truncated = earliest.step > 1 && came_before;
  if (record == nullptr) return;
  result.label = record->label;
  result.num_prompt = record->num_prompt;
  if (result.truncated) return;
  result.queue_us = static_cast<double>(first.begin_us - record->arrived_us);
  for (const StepRecord& step : index.log().steps) {
    if (step.step >= first.step) break;
    if (EndUs(step) <= static_cast<double>(record->arrived_us)) continue;
    ++result.queue_steps;
    ++result.queue_limits[static_cast<size_t>(step.limit)];
  }
}

}  // namespace

Result<RequestId> FindRequest(const StepLog& log, std::string_view key) {
  RequestId id = 0;
  const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
  if (error == std::errc() && end == key.data() + key.size()) {
    const auto is_it = [id](const auto& record) { return record.request == id; };
    if (std::any_of(log.requests.begin(), log.requests.end(), is_it)) return id;
    if (std::any_of(log.rows.begin(), log.rows.end(), is_it)) return id;
  }
  for (auto request = log.requests.rbegin(); request != log.requests.rend(); ++request) {
    if (request->label == key) return request->request;
  }
  return Err(Code::kNotFound, "request ", key, ": found no record of such an id or label, in ",
             log.steps.size(), " steps and ", log.requests.size(), " requests");
}

Explanation Explain(const StepLog& log, RequestId request, int32_t max_gaps) {
  const LogIndex index(log);
  Explanation result;
  result.request = request;
  std::set<int32_t> outputs;
  const StepRecord* first = nullptr;
  for (const RowRecord& row : log.rows) {
    if (row.request != request) continue;
    outputs.insert(row.index);
    if (first == nullptr) first = index.Step(row.step);
  }
  if (first == nullptr) {  // it has not been part of any step that the log holds
    if (const RequestRecord* record = index.Request(request)) {
      result.label = record->label;
      result.num_prompt = record->num_prompt;
    }
    return result;
  }
  ExplainQueue(index, *first, result);
  for (const int32_t output : outputs) {
    const OutputWalk walk = WalkOutput(index, request, output);
    if (!result.truncated && result.prefill_us < 0 && !walk.emissions.empty()) {
      result.prefill_us =
          EndUs(*walk.emissions.front().step) - static_cast<double>(first->begin_us);
      result.prefill_steps = walk.rows_before_first + 1;
    }
    result.outputs.push_back(ExplainOutput(index, request, output, walk, max_gaps));
  }
  return result;
}

}  // namespace weir
