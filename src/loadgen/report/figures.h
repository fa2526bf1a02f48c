// SPDX-License-Identifier: Apache-2.0
//
// The figures by which results are compared, by their keys in a result's JSON, and results read
// back from files.
#ifndef WEIR_LOADGEN_REPORT_FIGURES_H_
#define WEIR_LOADGEN_REPORT_FIGURES_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include <weir/result.h>

#include "base/json.h"

namespace weir::loadgen {

struct Figure {
  std::string key;    // "mean_ttft_ms"
  std::string label;  // "Mean TTFT (ms)"
  bool higher_is_better = false;
};

// Those that every one of the results has, in the order in which they are printed: throughputs,
// then mean, median and percentiles of each metric.
std::vector<Figure> CommonFigures(std::span<const Json> results);

std::optional<double> FigureOf(const Json& result, const std::string& key);

// A result, or one per line, as this tool and `vllm bench serve` write them.
Result<std::vector<Json>> ReadResults(const std::string& path);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_REPORT_FIGURES_H_
