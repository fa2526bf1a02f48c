// SPDX-License-Identifier: Apache-2.0
//
// Everything that `weir bench serve` is told about one run.
#ifndef WEIR_LOADGEN_SERVE_SERVE_OPTIONS_H_
#define WEIR_LOADGEN_SERVE_SERVE_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "loadgen/client/load_run.h"
#include "loadgen/client/request_form.h"
#include "loadgen/stats/metrics.h"
#include "loadgen/workload/arrivals.h"
#include "loadgen/workload/workload.h"

namespace weir::loadgen {

enum class PromptForm {
  kAuto,  // token ids where the server takes them
  kTokens,
  kText,
};

struct ServeOptions {
  std::string backend = "openai";  // vllm, openai, openai-chat, sglang, llama.cpp, ...
  RequestForm form;                // its model is what the API calls it; empty: ask the server
  std::string model_id;            // what the results call it; empty: as the API does
  std::string tokenizer_id;        // empty: none
  std::string label;
  PromptForm prompts = PromptForm::kAuto;
  WorkloadOptions workload;
  Traffic traffic;
  int64_t max_concurrency = 0;  // 0: no limit
  int64_t num_warmups = 0;
  double ready_check_s = 0;  // how long to wait for the server; 0: no test request
  double request_timeout_s = 6 * 3600;
  bool profile = false;  // /start_profile and /stop_profile
  bool keep_texts = false;
  MetricsOptions metrics;
  std::vector<Metric> reported = {Metric::kTtft, Metric::kTpot, Metric::kItl};
  std::vector<double> percentiles = {99};
  std::vector<std::pair<std::string, std::string>> metadata;
};

// Whether the metric is asked for and means something in this run: there is a queue only where
// there is a limit, and a time including it only where requests come by a clock.
bool IsReported(const ServeOptions& options, Metric metric);

// What a run tells while it is under way.
struct ServeHooks {
  std::function<void(std::string_view line)> say;
  std::function<void(const LoadProgress&)> progress;
  std::function<bool()> interrupted;
};

struct Backend {
  const char* name;
  bool chat;
};
// Null when it is not known. Lists the known ones in `known` when given.
const Backend* FindBackend(std::string_view name, std::string* known = nullptr);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_SERVE_SERVE_OPTIONS_H_
