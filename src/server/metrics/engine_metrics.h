// SPDX-License-Identifier: Apache-2.0
//
// What an engine tells of itself, as metrics: vLLM's names, and weir: ones for what vLLM has not.
#ifndef WEIR_SERVER_METRICS_ENGINE_METRICS_H_
#define WEIR_SERVER_METRICS_ENGINE_METRICS_H_

#include <weir/engine.h>

#include "server/metrics/prometheus.h"

namespace weir {

void WriteEngineMetrics(MetricsText& out, const EngineInfo& info, const EngineStats& stats,
                        bool legacy_names);

}  // namespace weir

#endif  // WEIR_SERVER_METRICS_ENGINE_METRICS_H_
