// SPDX-License-Identifier: Apache-2.0
//
// Records from JSON, which may be anybody's.
#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "engine/step_json.h"
#include "engine/step_json_fields.h"

namespace weir {
namespace {

using step_json::kClasses;
using step_json::kCostTimes;
using step_json::kLimits;
using step_json::kStepCounts;
using step_json::kStepTimes;

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
