// SPDX-License-Identifier: Apache-2.0
//
// What `weir serve` may be told. Names are vLLM's where vLLM has the thing.
#ifndef WEIR_CLI_SERVE_FLAGS_H_
#define WEIR_CLI_SERVE_FLAGS_H_

#include <cstdint>
#include <string>
#include <vector>

#include <weir/result.h>

#include "cli/engine_flags.h"
#include "cli/serve_run.h"

namespace CLI {
class App;
}

namespace weir {

struct ServeFlags {
  std::string model;  // the positional one
  EngineFlags engine;
  ServeSetup setup;
  std::vector<std::string> api_key_files, admin_key_files;
  std::string max_body = "32MiB";
  std::string max_buffered = "512MiB";
  std::string max_unsent = "1MiB";
  double sse_keep_alive_s = 0;
  double idle_timeout_s = 120, head_timeout_s = 15, body_timeout_s = 30, write_timeout_s = 60;
  double health_timeout_s = 30, watchdog_timeout_s = 60;
  bool no_split_reasoning = false;
  std::string access_log = "pairs";
  bool no_access_log = false;
};

// `flags` must live as long as the command.
void AddServeFlags(CLI::App& command, ServeFlags& flags);

Result<ServeSetup> FinishServeFlags(const ServeFlags& flags);

}  // namespace weir

#endif  // WEIR_CLI_SERVE_FLAGS_H_
