// SPDX-License-Identifier: Apache-2.0
#include "engine/step_log.h"

#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "base/json.h"
#include "engine/step_json.h"

namespace weir {
namespace {

constexpr Code kBad = Code::kInvalidRequest;

// Beyond what any engine does; sums over a log of such records stay far inside 64 bits.
constexpr int64_t kMaxTimeUs = int64_t{1} << 62;
constexpr int32_t kMaxKvLen = 1 << 24;
constexpr int64_t kMaxStepTokens = 1 << 30;

// Records in order: explaining walks through them once.
class LogBuilder {
 public:
  Status Add(StepRecord step, std::string_view where) {
    if (!log_.steps.empty() && step.step <= log_.steps.back().step) {
      return Err(kBad, where, ": found step ", step.step, " after ", log_.steps.back().step,
                 ", wanted ascending steps");
    }
    WEIR_RETURN_IF_ERROR(CheckTime(step.begin_us, where));
    log_.steps.push_back(step);
    return Ok();
  }

  Status Add(RowRecord row, std::string_view where) {
    const int64_t last = log_.rows.empty() ? row.step : log_.rows.back().step;
    if (row.step < last) {
      return Err(kBad, where, ": found a row of step ", row.step, " after one of ", last,
                 ", wanted ascending steps");
    }
    if (row.q_len < 1 || row.kv_len < row.q_len || row.kv_len > kMaxKvLen) {
      return Err(kBad, where, ": found q_len ", row.q_len, " with kv_len ", row.kv_len,
                 ", wanted 1 <= q_len <= kv_len <= ", kMaxKvLen);
    }
    step_tokens_ = row.step == last ? step_tokens_ + row.q_len : row.q_len;
    if (step_tokens_ > kMaxStepTokens) {
      return Err(kBad, where, ": found ", step_tokens_, " tokens in a step, wanted at most ",
                 kMaxStepTokens);
    }
    log_.rows.push_back(row);
    return Ok();
  }

  Status Add(RequestRecord request, std::string_view where) {
    WEIR_RETURN_IF_ERROR(CheckTime(request.arrived_us, where));
    if (request.num_prompt < 0 || request.num_prompt > kMaxKvLen) {
      return Err(kBad, where, ": found num_prompt ", request.num_prompt, ", wanted 0 to ",
                 kMaxKvLen);
    }
    log_.requests.push_back(std::move(request));
    return Ok();
  }

  Status Add(StepCost cost, std::string_view where) {
    if (cost.hidden_tokens < 0) {
      return Err(kBad, where, ": found hidden_tokens ", cost.hidden_tokens, ", wanted 0 or more");
    }
    log_.cost = cost;
    return Ok();
  }

  void AddDropped(int64_t count) { log_.num_dropped += count; }

  StepLog Take() { return std::move(log_); }

 private:
  static Status CheckTime(int64_t us, std::string_view where) {
    if (us >= 0 && us <= kMaxTimeUs) return Ok();
    return Err(kBad, where, ": found the time ", us, " us, wanted 0 to ", kMaxTimeUs);
  }

  StepLog log_;
  int64_t step_tokens_ = 0;  // of the last row's step
};

template <class T>
Status AddParsed(LogBuilder& builder, Result<T> parsed, std::string_view where) {
  if (!parsed) return tl::unexpected(parsed.error());
  return builder.Add(std::move(*parsed), where);
}

// One record of a trace: an object with one known name. Others are of later versions.
Status AddLine(LogBuilder& builder, const Json& line, std::string_view where) {
  if (!line.is_object()) return Err(kBad, where, ": found no object");
  for (const auto& [name, value] : line.items()) {
    if (name == "step") return AddParsed(builder, StepFromJson(value, where), where);
    if (name == "row") return AddParsed(builder, RowFromJson(value, where), where);
    if (name == "request") return AddParsed(builder, RequestFromJson(value, where), where);
    if (name == "cost") return AddParsed(builder, CostFromJson(value, where), where);
    if (name == "dropped" && value.is_number_unsigned() && value <= INT32_MAX) {
      builder.AddDropped(value.get<int32_t>());
    }
  }
  return Ok();
}

Status CheckHeader(const Json& line, std::string_view where) {
  const bool good = line.is_object() && line.contains("weir_trace") && line["weir_trace"] == 1;
  if (good) return Ok();
  return Err(kBad, where, ": found no {\"weir_trace\":1,...}, wanted a file written by --trace");
}

template <class T>
Status AddArray(LogBuilder& builder, const Json& answer, const char* name, std::string_view where,
                Result<T> (*parse)(const Json&, std::string_view)) {
  const auto array = answer.find(name);
  if (array == answer.end() || !array->is_array()) {
    return Err(kBad, where, ": found no list ", name);
  }
  for (size_t i = 0; i < array->size(); ++i) {
    const std::string place = fmt::format("{}: {}[{}]", where, name, i);
    WEIR_RETURN_IF_ERROR(AddParsed(builder, parse((*array)[i], place), place));
  }
  return Ok();
}

}  // namespace

Result<StepLog> ParseStepLog(std::string_view json, std::string_view where) {
  WEIR_ASSIGN_OR_RETURN(const Json answer, ParseJson(json, where, kBad));
  if (!answer.is_object()) return Err(kBad, where, ": found no object");
  LogBuilder builder;
  WEIR_RETURN_IF_ERROR(AddArray(builder, answer, "steps", where, StepFromJson));
  WEIR_RETURN_IF_ERROR(AddArray(builder, answer, "rows", where, RowFromJson));
  WEIR_RETURN_IF_ERROR(AddArray(builder, answer, "requests", where, RequestFromJson));
  if (const auto cost = answer.find("cost"); cost != answer.end()) {
    WEIR_RETURN_IF_ERROR(AddParsed(builder, CostFromJson(*cost, where), where));
  }
  return builder.Take();
}

Result<StepLog> ParseTrace(std::string_view text, std::string_view where) {
  if (text.empty()) return Err(kBad, where, ": empty, wanted a file written by --trace");
  LogBuilder builder;
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const std::string place = fmt::format("{}:{}", where, number);
    const bool whole = end != std::string_view::npos;
    text.remove_prefix(whole ? end + 1 : text.size());
    auto json = ParseJson(line, place, kBad);
    if (!json && !whole && number > 1) break;  // the process died while it wrote
    if (!json) return tl::unexpected(json.error());
    WEIR_RETURN_IF_ERROR(number == 1 ? CheckHeader(*json, place) : AddLine(builder, *json, place));
  }
  return builder.Take();
}

}  // namespace weir
