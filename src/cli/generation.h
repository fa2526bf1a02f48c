// SPDX-License-Identifier: Apache-2.0
//
// Runs prompts through an engine as one batch, shows the text as it comes, and sums up.
#ifndef WEIR_CLI_GENERATION_H_
#define WEIR_CLI_GENERATION_H_

#include <string>
#include <vector>

#include <weir/engine.h>

namespace weir {

struct Generation {
  std::vector<std::string> prompts;
  SamplingParams sampling;
  bool json;
  bool quiet;
};

// Text (or JSON lines) on standard output, a summary on standard error. One prompt streams; several
// are printed in order as they complete. The exit code: 0, 1 when a request failed, 130 after
// Ctrl-C.
Result<int> RunGeneration(Engine& engine, const Generation& generation);

}  // namespace weir

#endif  // WEIR_CLI_GENERATION_H_
