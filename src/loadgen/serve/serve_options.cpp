// SPDX-License-Identifier: Apache-2.0
#include "loadgen/serve/serve_options.h"

#include <algorithm>
#include <cmath>

namespace weir::loadgen {
namespace {

constexpr Backend kBackends[] = {
    {"openai", false},     {"vllm", false},       {"weir", false},          {"sglang", false},
    {"sglang-oai", false}, {"llama.cpp", false},  {"openai-chat", true},    {"vllm-chat", true},
    {"weir-chat", true},   {"sglang-chat", true}, {"llama.cpp-chat", true},
};

}  // namespace

const Backend* FindBackend(std::string_view name, std::string* known) {
  for (const Backend& backend : kBackends) {
    if (known != nullptr && !known->empty()) *known += ", ";
    if (known != nullptr) *known += backend.name;
    if (backend.name == name) return &backend;
  }
  return nullptr;
}

bool IsReported(const ServeOptions& options, Metric metric) {
  const std::vector<Metric>& reported = options.reported;
  if (std::find(reported.begin(), reported.end(), metric) == reported.end()) return false;
  if (metric == Metric::kQueue) return options.max_concurrency > 0;
  if (metric != Metric::kE2elWithQueue) return true;
  return options.max_concurrency > 0 && std::isfinite(options.traffic.request_rate);
}

}  // namespace weir::loadgen
