// SPDX-License-Identifier: Apache-2.0
//
// One run of `weir bench serve`: options in, figures out. Whoever calls it prints and stores them.
#ifndef WEIR_LOADGEN_SERVE_SERVE_H_
#define WEIR_LOADGEN_SERVE_SERVE_H_

#include <optional>
#include <string>
#include <vector>

#include <weir/result.h>

#include "loadgen/client/network.h"
#include "loadgen/serve/serve_options.h"
#include "loadgen/serve/server_metrics.h"
#include "loadgen/stats/steady_state.h"

namespace weir::loadgen {

struct ServeResult {
  std::string model_id;
  bool prompts_as_tokens = false;
  int64_t num_prompts = 0;
  LoadResult load;
  Metrics metrics;
  std::optional<SteadyState> steady;
  std::optional<SpecDecode> spec_decode;
  std::vector<CheckRow> cross_check;
  std::vector<std::string> notes;  // what a reader of the figures has to know
};

// Fails when the options are wrong or the server cannot be reached. Requests that fail are part of
// the result, and so is a run that was interrupted.
Result<ServeResult> RunServe(const ServeOptions& options, Network& network,
                             const ServeHooks& hooks);

// The first model that the server lists.
Result<std::string> FirstModel(const RequestForm& form, Network& network);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_SERVE_SERVE_H_
