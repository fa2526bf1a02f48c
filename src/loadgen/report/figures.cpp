// SPDX-License-Identifier: Apache-2.0
#include "loadgen/report/figures.h"

#include <cmath>
#include <fmt/format.h>

#include "base/error.h"
#include "base/mapped_file.h"
#include "loadgen/stats/metrics.h"
#include "loadgen/workload/dataset_file.h"

namespace weir::loadgen {
namespace {

bool AllHave(std::span<const Json> results, const std::string& key) {
  for (const Json& result : results) {
    if (!FigureOf(result, key)) return false;
  }
  return !results.empty();
}

// "p99_ttft_ms" -> "P99 TTFT (ms)"
std::string Label(const std::string& key, const MetricName& name) {
  const std::string what = key.substr(0, key.find('_'));
  const std::string word = what == "mean"     ? "Mean"
                           : what == "median" ? "Median"
                                              : "P" + what.substr(1);
  return fmt::format("{} {} (ms)", word, name.label);
}

bool IsPercentile(const std::string& key) {
  return key.size() > 1 && key[0] == 'p' && key[1] >= '0' && key[1] <= '9';
}

}  // namespace

std::optional<double> FigureOf(const Json& result, const std::string& key) {
  const auto found = result.find(key);
  if (found == result.end() || !found->is_number()) return std::nullopt;
  const auto value = found->get<double>();
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

std::vector<Figure> CommonFigures(std::span<const Json> results) {
  std::vector<Figure> figures;
  const auto add = [&](const std::string& key, const std::string& label, bool higher) {
    if (AllHave(results, key)) figures.push_back({key, label, higher});
  };
  add("request_throughput", "Requests (req/s)", true);
  add("request_goodput", "Goodput (req/s)", true);
  add("output_throughput", "Output tokens (tok/s)", true);
  add("total_token_throughput", "All tokens (tok/s)", true);
  if (results.empty()) return figures;
  for (const MetricName& name : MetricNames()) {
    const std::string tail = fmt::format("_{}_ms", name.key);
    for (const auto& [key, value] : results[0].items()) {
      const bool wanted = key == "mean" + tail || key == "median" + tail ||
                          (IsPercentile(key) && key.substr(key.find('_')) == tail);
      if (wanted) add(key, Label(key, name), false);
    }
  }
  return figures;
}

Result<std::vector<Json>> ReadResults(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, MappedFile::Open(path));
  const Result<Json> whole = ParseJson(TextOf(file), path, Code::kInvalidArgument);
  std::vector<Json> results;
  if (whole && whole->is_object()) {
    results.push_back(*whole);
  } else {
    WEIR_ASSIGN_OR_RETURN(results, JsonLines(path, TextOf(file)));
  }
  for (const Json& result : results) {
    if (!FigureOf(result, "request_throughput")) {
      return Err(Code::kInvalidArgument, path, ": found no request_throughput, wanted a result of ",
                 "--save-result");
    }
  }
  if (results.empty()) return Err(Code::kInvalidArgument, path, ": found no result");
  return results;
}

}  // namespace weir::loadgen
