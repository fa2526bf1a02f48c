// SPDX-License-Identifier: Apache-2.0
//
// `weir generate`: prompts in, streamed text out. All prompts run as one batch.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <weir/engine.h>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/generation.h"
#include "cli/progress.h"
#include "cli/sampling_flags.h"

namespace weir {
namespace {

struct GenerateOptions {
  EngineFlags engine;
  std::vector<std::string> prompts;
  SamplingFlags sampling;
  int32_t num_logprobs = -1;
  bool json = false;
  bool quiet = false;
};

// "-" reads standard input to its end, once.
Status ReadPrompts(std::vector<std::string>& prompts) {
  int from_stdin = 0;
  for (std::string& prompt : prompts) {
    if (prompt != "-") continue;
    if (++from_stdin > 1) {
      return Err(Code::kInvalidArgument,
                 "--prompt: - found twice, standard input can be read once");
    }
    prompt.assign(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  return Ok();
}

Result<EngineOptions> Prepare(GenerateOptions& o) {
  WEIR_ASSIGN_OR_RETURN(EngineOptions engine, FinishEngineFlags(o.engine));
  WEIR_RETURN_IF_ERROR(ReadPrompts(o.prompts));
  return engine;
}

Result<int> Generate(GenerateOptions& o) {
  SamplingParams greedy;
  greedy.temperature = 0;
  WEIR_ASSIGN_OR_RETURN(SamplingParams sampling, FinishSamplingFlags(o.sampling, greedy));
  sampling.num_logprobs = o.num_logprobs;
  WEIR_ASSIGN_OR_RETURN(EngineOptions engine_options, Prepare(o));
  Result<std::unique_ptr<Engine>> engine = [&] {
    Progress progress("packing weights");
    engine_options.on_load_progress = [&](int64_t done, int64_t total) {
      progress.Update(done, total);
    };
    return Engine::Open(engine_options);
  }();
  if (!engine) return tl::unexpected(engine.error());
  return RunGeneration(
      **engine, {.prompts = o.prompts, .sampling = sampling, .json = o.json, .quiet = o.quiet});
}

}  // namespace

void AddGenerate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<GenerateOptions>();
  options->sampling.given.temperature = 0;
  CLI::App* command = app.add_subcommand("generate", "Continue prompts, streaming the text");
  command
      ->add_option("-p,--prompt", options->prompts,
                   "Text to continue; repeat it for a batch; - reads standard input")
      ->required()
      ->take_all();
  command->add_flag("--json", options->json, "One JSON object per prompt instead of text");
  command->add_flag("-q,--quiet", options->quiet, "No summary on standard error");
  command
      ->add_option("--logprobs", options->num_logprobs,
                   "With --json: log-probabilities of the chosen and the N best tokens")
      ->group("Length and stopping");
  AddSamplingFlags(*command, options->sampling);
  AddEngineFlags(*command, options->engine);
  command->callback([options, &exit_code] {
    const Result<int> code = Generate(*options);
    if (!code) fmt::print(stderr, "weir: error: {}\n", code.error().message);
    exit_code = code.value_or(1);
  });
}

}  // namespace weir
