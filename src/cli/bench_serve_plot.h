// SPDX-License-Identifier: Apache-2.0
//
// A run of `weir bench serve` as one HTML page: figures, distributions, what happened when, and
// what prefills did to other requests.
#ifndef WEIR_CLI_BENCH_SERVE_PLOT_H_
#define WEIR_CLI_BENCH_SERVE_PLOT_H_

#include <span>
#include <string>

#include "loadgen/serve/serve.h"

namespace weir {

// Draws the last run; of several, the variation is told too.
std::string ServePlot(const loadgen::ServeOptions& options,
                      std::span<const loadgen::ServeResult> runs);

// Single charts, as inline SVG.
std::string DistributionChart(const loadgen::Distribution& seconds, std::string_view name,
                              std::string_view color);
std::string TimelineChart(std::span<const loadgen::RequestOutcome> outcomes, double begin_s);
std::string ThroughputChart(const loadgen::ServeResult& result);
std::string PrefillChart(std::span<const loadgen::RequestOutcome> outcomes);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_SERVE_PLOT_H_
