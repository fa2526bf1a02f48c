// SPDX-License-Identifier: Apache-2.0
//
// Everything that routes share: the engine, what is running, what is measured.
#ifndef WEIR_SERVER_API_API_CORE_H_
#define WEIR_SERVER_API_API_CORE_H_

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <weir/engine.h>

#include "server/api/admission.h"
#include "server/api/executor.h"
#include "server/api/generation.h"
#include "server/api/generation_registry.h"
#include "server/api/health.h"
#include "server/api/prompt_builder.h"
#include "server/api/timer.h"
#include "server/api_options.h"
#include "server/metrics/generation_metrics.h"
#include "server/metrics/http_metrics.h"

namespace weir {

// Members are in the order in which they need each other; the executors end first.
struct ApiCore {
  ApiCore(Engine& engine_in, ApiOptions options_in, std::vector<std::string> routes);

  // Lets nothing of the engine's callbacks outlive it.
  ~ApiCore();

  bool draining() const { return is_draining.load(std::memory_order_relaxed); }

  // Constant after construction.
  Engine& engine;
  const ApiOptions options;
  const std::vector<std::string> model_names;
  const RequestLimits limits;
  const PromptBuilder prompts;

  // Any thread.
  GenerationMetrics metrics;
  HttpMetrics http;
  Admission admission;
  GenerationRegistry registry;
  std::atomic<bool> is_draining{false};
  Timer timer;
  Executor stream_executor;
  Executor prepare_executor;
  const GenerationContext generation;
  const std::shared_ptr<Canary> canary;
};

}  // namespace weir

#endif  // WEIR_SERVER_API_API_CORE_H_
