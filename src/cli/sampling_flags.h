// SPDX-License-Identifier: Apache-2.0
//
// How the next token is chosen and when an answer ends, as flags of the commands that generate.
#ifndef WEIR_CLI_SAMPLING_FLAGS_H_
#define WEIR_CLI_SAMPLING_FLAGS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

namespace CLI {
class App;
}

namespace weir {

struct SamplingFlags {
  SamplingParams given;                 // what the flags write to
  std::vector<std::string> logit_bias;  // ID=VALUE
  uint64_t seed = 0;
  // Each copies one flag's value where that was given.
  std::vector<std::function<void(SamplingParams& to)>> copies;
};

// `flags` must live as long as the command and stay where it is.
void AddSamplingFlags(CLI::App& command, SamplingFlags& flags);

// `base` with what was given.
Result<SamplingParams> FinishSamplingFlags(const SamplingFlags& flags, SamplingParams base);

}  // namespace weir

#endif  // WEIR_CLI_SAMPLING_FLAGS_H_
