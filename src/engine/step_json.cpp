// SPDX-License-Identifier: Apache-2.0
#include "engine/step_json.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"

namespace weir {
namespace {

constexpr std::array<RowClass, kNumRowClasses> kClasses = {
    RowClass::kDecode, RowClass::kFreshPrefill, RowClass::kCachedPrefill};
constexpr std::array<StepLimit, 5> kLimits = {StepLimit::kAllIn, StepLimit::kItlBudget,
                                              StepLimit::kTokens, StepLimit::kSequences,
                                              StepLimit::kPages};

// Numbers of a struct by name, for both directions: what is written is what is read.
using StepCount = std::pair<const char*, int32_t StepRecord::*>;
constexpr std::array<StepCount, 4> kStepCounts = {
    {{"num_splits", &StepRecord::num_splits},
     {"num_waiting", &StepRecord::num_waiting},
     {"num_preempted", &StepRecord::num_preempted},
     {"num_free_pages", &StepRecord::num_free_pages}}};
using StepTime = std::pair<const char*, float StepRecord::*>;
constexpr std::array<StepTime, 6> kStepTimes = {{{"predicted_us", &StepRecord::predicted_us},
                                                 {"schedule_us", &StepRecord::schedule_us},
                                                 {"plan_us", &StepRecord::plan_us},
                                                 {"forward_us", &StepRecord::forward_us},
                                                 {"sample_us", &StepRecord::sample_us},
                                                 {"total_us", &StepRecord::total_us}}};
using CostTime = std::pair<const char*, float StepCost::*>;
constexpr std::array<CostTime, 8> kCostTimes = {{{"step_us", &StepCost::step_us},
                                                 {"head_us", &StepCost::head_us},
                                                 {"hidden_token_us", &StepCost::hidden_token_us},
                                                 {"token_us", &StepCost::token_us},
                                                 {"decode_key_us", &StepCost::decode_key_us},
                                                 {"fresh_pair_us", &StepCost::fresh_pair_us},
                                                 {"cached_pair_us", &StepCost::cached_pair_us},
                                                 {"logits_us", &StepCost::logits_us}}};

Json ByClass(const std::array<int32_t, kNumRowClasses>& values) {
  Json json = Json::object();
  for (const RowClass c : kClasses) json[RowClassName(c)] = values[static_cast<size_t>(c)];
  return json;
}

// Shorter than a float's all digits, and still more exact than any clock: a tenth of a microsecond.
double Tenths(float us) { return std::round(double{us} * 10) / 10; }

// Reads fields of one object and remembers the first problem.
class Reader {
 public:
  Reader(const Json& json, std::string_view where) : json_(json), where_(where) {
    if (!json.is_object()) Fail("found no object");
  }

  template <class Int>
  void Integer(const char* name, Int& value) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_number_integer()) return Fail(name, ": wanted an integer");
    const auto found = field->get<int64_t>();
    const bool fits = !(field->is_number_unsigned() && found < 0) &&
                      found >= std::numeric_limits<Int>::min() &&
                      found <= std::numeric_limits<Int>::max();
    if (!fits) return Fail(name, ": out of range");
    value = static_cast<Int>(found);
  }

  void Number(const char* name, float& value) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_number()) return Fail(name, ": wanted a number");
    const auto found = field->get<double>();
    if (!(std::abs(found) <= std::numeric_limits<float>::max())) {
      return Fail(name, ": out of range");
    }
    value = static_cast<float>(found);
  }

  void Boolean(const char* name, bool& value) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_boolean()) return Fail(name, ": wanted true or false");
    value = field->get<bool>();
  }

  void Text(const char* name, std::string& value) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    if (!field->is_string()) return Fail(name, ": wanted a text");
    value = field->get<std::string>();
  }

  // One of a fixed list, by its name.
  template <class Enum, size_t N>
  void Name(const char* name, const std::array<Enum, N>& all, const char* (*name_of)(Enum),
            Enum& value) {
    std::string text;
    Text(name, text);
    if (failed_) return;
    const auto is_it = [&](Enum e) { return text == name_of(e); };
    const auto found = std::find_if(all.begin(), all.end(), is_it);
    if (found == all.end()) return Fail(name, ": unknown name ", text);
    value = *found;
  }

  void Classes(const char* name, std::array<int32_t, kNumRowClasses>& values) {
    const Json* field = Find(name);
    if (field == nullptr) return;
    Reader inner(*field, where_);
    for (const RowClass c : kClasses)
      inner.Integer(RowClassName(c), values[static_cast<size_t>(c)]);
    if (inner.failed_) Fail(name, ": wanted a number per class of rows");
  }

  template <class T>
  Result<T> Done(T value) {
    if (failed_) return Err(Code::kInvalidRequest, where_, ": ", problem_);
    return value;
  }

 private:
  const Json* Find(const char* name) {
    if (failed_) return nullptr;
    const auto found = json_.find(name);
    if (found != json_.end()) return &*found;
    Fail(name, ": missing");
    return nullptr;
  }

  template <class... Parts>
  void Fail(const Parts&... parts) {
    if (failed_) return;
    failed_ = true;
    (fmt::format_to(std::back_inserter(problem_), "{}", parts), ...);
  }

  const Json& json_;
  std::string_view where_;
  bool failed_ = false;
  std::string problem_;
};

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

Result<StepRecord> StepFromJson(const Json& json, std::string_view where) {
  StepRecord step = {};
  Reader reader(json, where);
  reader.Integer("step", step.step);
  reader.Integer("begin_us", step.begin_us);
  reader.Classes("num_seqs", step.num_seqs);
  reader.Classes("num_tokens", step.num_tokens);
  for (const auto& [name, count] : kStepCounts) reader.Integer(name, step.*count);
  reader.Name("limit", kLimits, StepLimitName, step.limit);
  reader.Boolean("captured", step.captured);
  for (const auto& [name, time] : kStepTimes) reader.Number(name, step.*time);
  return reader.Done(step);
}

Result<RowRecord> RowFromJson(const Json& json, std::string_view where) {
  RowRecord row = {};
  Reader reader(json, where);
  reader.Integer("step", row.step);
  reader.Integer("request", row.request);
  reader.Integer("index", row.index);
  reader.Name("class", kClasses, RowClassName, row.row_class);
  reader.Integer("q_len", row.q_len);
  reader.Integer("kv_len", row.kv_len);
  return reader.Done(row);
}

Result<RequestRecord> RequestFromJson(const Json& json, std::string_view where) {
  RequestRecord request = {};
  Reader reader(json, where);
  reader.Integer("request", request.request);
  reader.Text("label", request.label);
  reader.Integer("arrived_us", request.arrived_us);
  reader.Integer("num_prompt", request.num_prompt);
  reader.Integer("num_outputs", request.num_outputs);
  return reader.Done(std::move(request));
}

Result<StepCost> CostFromJson(const Json& json, std::string_view where) {
  StepCost cost = {};
  Reader reader(json, where);
  for (const auto& [name, time] : kCostTimes) reader.Number(name, cost.*time);
  reader.Integer("hidden_tokens", cost.hidden_tokens);
  return reader.Done(cost);
}

}  // namespace weir
