// SPDX-License-Identifier: Apache-2.0
#include "engine/step_json.h"

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/step_json_fields.h"

namespace weir {
namespace {

using step_json::kClasses;
using step_json::kCostTimes;
using step_json::kStepCounts;
using step_json::kStepTimes;

Json ByClass(const std::array<int32_t, kNumRowClasses>& values) {
  Json json = Json::object();
  for (const RowClass c : kClasses) json[RowClassName(c)] = values[static_cast<size_t>(c)];
  return json;
}

// Shorter than a float's all digits, and still more exact than any clock: a tenth of a microsecond.
double Tenths(float us) { return std::round(double{us} * 10) / 10; }

}  // namespace

Json ToJson(const StepRecord& step) {
  Json json = {{"step", step.step},
               {"begin_us", step.begin_us},
               {"num_seqs", ByClass(step.num_seqs)},
               {"num_tokens", ByClass(step.num_tokens)}};
  for (const auto& [name, count] : kStepCounts) json[name] = step.*count;
  json["limit"] = StepLimitName(step.limit);
  json["captured"] = step.captured;
  for (const auto& [name, time] : kStepTimes) json[name] = Tenths(step.*time);
  return json;
}

Json ToJson(const RowRecord& row) {
  return {{"step", row.step},   {"request", row.request},
          {"index", row.index}, {"class", RowClassName(row.row_class)},
          {"q_len", row.q_len}, {"kv_len", row.kv_len}};
}

Json ToJson(const RequestRecord& request) {
  return {{"request", request.request},
          {"label", request.label},
          {"arrived_us", request.arrived_us},
          {"num_prompt", request.num_prompt},
          {"num_outputs", request.num_outputs}};
}

Json ToJson(const StepCost& cost) {
  Json json = Json::object();
  for (const auto& [name, time] : kCostTimes) json[name] = cost.*time;
  json["hidden_tokens"] = cost.hidden_tokens;
  return json;
}

Json StepsAnswer(const Engine& engine, int64_t since, int32_t max_steps) {
  constexpr int32_t kMaxRows = 1 << 20;  // more than any ring holds
  const std::vector<StepRecord> steps = engine.Steps(since, max_steps);
  Json answer = {{"steps", Json::array()}, {"rows", Json::array()}, {"requests", Json::array()}};
  for (const StepRecord& step : steps) answer["steps"].push_back(ToJson(step));
  if (!steps.empty()) {
    for (const RowRecord& row : engine.Rows(steps.front().step, kMaxRows)) {
      if (row.step <= steps.back().step) answer["rows"].push_back(ToJson(row));
    }
  }
  for (const RequestRecord& request : engine.Requests(kMaxRows)) {
    answer["requests"].push_back(ToJson(request));
  }
  answer["cost"] = ToJson(engine.Stats().cost);
  answer["next"] = steps.empty() ? since : steps.back().step + 1;
  return answer;
}

}  // namespace weir
