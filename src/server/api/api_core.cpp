// SPDX-License-Identifier: Apache-2.0
#include "server/api/api_core.h"

#include <algorithm>
#include <fmt/format.h>
#include <random>
#include <utility>

#include "sampling/sampler.h"
#include "server/api/steady_clock.h"

namespace weir {
namespace {

ApiOptions WithDefaults(ApiOptions options, const EngineInfo& engine) {
  if (options.served_model_names.empty()) options.served_model_names = {engine.model_name};
  if (options.model_root.empty()) options.model_root = engine.model_name;
  if (options.created_unix == 0) options.created_unix = UnixSeconds();
  options.max_logprobs = std::min(options.max_logprobs, kMaxLogprobs);
  return options;
}

std::string RandomHex() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

}  // namespace

ApiCore::ApiCore(Engine& engine_in, ApiOptions options_in, std::vector<std::string> routes)
    : engine(engine_in),
      options(WithDefaults(std::move(options_in), engine_in.info())),
      model_names(options.served_model_names),
      limits{options, engine.info(), model_names},
      prompts(engine),
      metrics(engine.info().max_model_len),
      http(std::move(routes)),
      admission(options.max_queued_requests, options.max_queued_tokens),
      stream_executor(1),
      prepare_executor(std::max(options.num_prepare_threads, 1)),
      generation{engine, options, prompts, metrics, stream_executor, timer, registry, RandomHex()},
      canary(std::make_shared<Canary>(engine, timer, options.health_canary_ms)) {}

ApiCore::~ApiCore() {
  is_draining = true;
  registry.StopAll(StopCause::kClosing);
  prepare_executor.Stop();
  registry.StopAll(StopCause::kClosing);  // what was being prepared has been submitted meanwhile
  registry.WaitUntilEmpty();
  canary->WaitUntilIdle();
  stream_executor.Stop();
}

}  // namespace weir
