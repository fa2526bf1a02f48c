// SPDX-License-Identifier: Apache-2.0
//
// Records as a Chrome trace (JSON trace-event format), which ui.perfetto.dev and chrome://tracing
// show: the engine's phases and counters on one track, every request's queue, prefill and decodes
// on one of its own.
#ifndef WEIR_ENGINE_PERFETTO_EXPORT_H_
#define WEIR_ENGINE_PERFETTO_EXPORT_H_

#include <string>

#include "engine/step_log.h"

namespace weir {

std::string PerfettoTrace(const StepLog& log);

}  // namespace weir

#endif  // WEIR_ENGINE_PERFETTO_EXPORT_H_
