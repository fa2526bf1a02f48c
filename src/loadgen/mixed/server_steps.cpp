// SPDX-License-Identifier: Apache-2.0
#include "loadgen/mixed/server_steps.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "base/error.h"

namespace weir::loadgen {
namespace {

std::optional<double> Number(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  return found->get<double>();
}

const Json* List(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_array() ? &*found : nullptr;
}

Result<ServerStep> ReadStep(const Json& json) {
  const auto step = json.is_object() ? Number(json, "step") : std::nullopt;
  const auto begin_us = json.is_object() ? Number(json, "begin_us") : std::nullopt;
  const auto total_us = json.is_object() ? Number(json, "total_us") : std::nullopt;
  if (!step || !begin_us || !total_us) {
    return Err(Code::kIo, "/weir/steps: wanted step, begin_us and total_us in every step");
  }
  ServerStep read{static_cast<int64_t>(*step), *begin_us, *total_us, {}};
  const auto tokens = json.find("num_tokens");
  if (tokens == json.end() || !tokens->is_object()) return read;
  for (const auto& [name, count] : tokens->items()) {
    if (count.is_number_integer()) read.num_tokens[name] = count.get<int64_t>();
  }
  return read;
}

}  // namespace

Result<ServerSteps> ReadServerSteps(const Json& answer) {
  const Json* list = answer.is_object() ? List(answer, "steps") : nullptr;
  if (list == nullptr) return Err(Code::kIo, "/weir/steps: wanted an object with \"steps\"");
  ServerSteps steps;
  for (const Json& json : *list) {
    WEIR_ASSIGN_OR_RETURN(ServerStep step, ReadStep(json));
    steps.next = std::max(steps.next, step.step + 1);
    steps.steps.push_back(std::move(step));
  }
  steps.next =
      static_cast<int64_t>(Number(answer, "next").value_or(static_cast<double>(steps.next)));
  if (const Json* requests = List(answer, "requests")) {
    for (const Json& request : *requests) {
      const auto arrived_us = request.is_object() ? Number(request, "arrived_us") : std::nullopt;
      const auto label = request.is_object() ? request.find("label") : request.end();
      if (!arrived_us || label == request.end() || !label->is_string()) continue;
      steps.arrived_us[label->get<std::string>()] = *arrived_us;
    }
  }
  return steps;
}

void Append(ServerSteps more, ServerSteps& all) {
  const int64_t last = all.steps.empty() ? 0 : all.steps.back().step;
  for (ServerStep& step : more.steps) {
    if (step.step > last) all.steps.push_back(std::move(step));
  }
  all.arrived_us.merge(more.arrived_us);
  all.next = std::max(all.next, more.next);
}

std::optional<double> ClockOffset(const ServerSteps& steps,
                                  const std::map<std::string, double>& sent_s) {
  std::optional<double> offset;
  for (const auto& [label, at_s] : sent_s) {
    for (const auto& [known, arrived_us] : steps.arrived_us) {
      if (known.find(label) == std::string::npos) continue;
      offset = std::max(offset.value_or(at_s - arrived_us * 1e-6), at_s - arrived_us * 1e-6);
    }
  }
  return offset;
}

const ServerStep* LongestStepIn(const ServerSteps& steps, double offset_s, const Span& span) {
  const ServerStep* longest = nullptr;
  for (const ServerStep& step : steps.steps) {
    const double begin_s = step.begin_us * 1e-6 + offset_s;
    if (begin_s >= span.end_s || begin_s + step.total_us * 1e-6 <= span.begin_s) continue;
    if (longest == nullptr || step.total_us > longest->total_us) longest = &step;
  }
  return longest;
}

std::string DescribeStep(const ServerStep& step) {
  std::string text = fmt::format("step {}: {:.1f} ms", step.step, step.total_us / 1000);
  for (const auto& [name, count] : step.num_tokens) {
    if (count > 0) text += fmt::format(", {} {}", count, name);
  }
  return text;
}

}  // namespace weir::loadgen
