// SPDX-License-Identifier: Apache-2.0
//
// The flags of every command that opens an engine. Names are vLLM's where vLLM has the thing.
#ifndef WEIR_CLI_ENGINE_FLAGS_H_
#define WEIR_CLI_ENGINE_FLAGS_H_

#include <string>

#include <weir/options.h>
#include <weir/result.h>

namespace CLI {
class App;
}

namespace weir {

struct EngineFlags {
  EngineOptions options;
  std::string kv_cache_memory = "0";
  std::string weight_cache_size = "64GiB";
  bool no_weight_cache = false;
};

// `flags` must live as long as the command.
void AddEngineFlags(CLI::App& command, EngineFlags& flags);

// The options as the engine takes them: the bundled model where none is named, threads and kernels
// of the environment, the profile that `weir tune` left.
Result<EngineOptions> FinishEngineFlags(const EngineFlags& flags);

}  // namespace weir

#endif  // WEIR_CLI_ENGINE_FLAGS_H_
