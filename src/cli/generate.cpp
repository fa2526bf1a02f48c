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
#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/engine_flags.h"
#include "cli/generation.h"
#include "cli/progress.h"

namespace weir {
namespace {

struct GenerateOptions {
  EngineFlags engine;
  std::vector<std::string> prompts;
  SamplingParams sampling;
  std::vector<std::string> logit_bias;  // ID=VALUE
  uint64_t seed = 0;
  bool has_seed = false;
  bool json = false;
  bool quiet = false;
};

void AddSamplingOptions(CLI::App& command, GenerateOptions& o) {
  const std::string group = "Sampling";
  SamplingParams& s = o.sampling;
  const auto add = [&](const char* name, auto& value, const char* help) {
    command.add_option(name, value, help)->group(group)->capture_default_str();
  };
  add("--temperature", s.temperature, "0: always the most probable token");
  add("--top-k", s.top_k, "Draw from the k most probable tokens; 0: all");
  add("--top-p", s.top_p, "Draw from the smallest set with this much probability");
  add("--min-p", s.min_p, "Drop tokens below this fraction of the most probable one");
  add("--repetition-penalty", s.repetition_penalty, "Above 1: fewer repeats of prompt and output");
  add("--presence-penalty", s.presence_penalty, "Subtracted once per token already in the output");
  add("--frequency-penalty", s.frequency_penalty, "Subtracted per occurrence in the output");
  command
      .add_option("--logit-bias", o.logit_bias, "ID=VALUE, added to a token's logit; repeatable")
      ->group(group);
  command.add_option("--seed", o.seed, "Same seed, same text (default: a new one each run)")
      ->check(NoSign)
      ->each([&o](const std::string&) { o.has_seed = true; })
      ->group(group);
}

void AddStopOptions(CLI::App& command, GenerateOptions& o) {
  const std::string group = "Length and stopping";
  SamplingParams& s = o.sampling;
  command.add_option("-n,--max-tokens", s.max_tokens, "Output tokens at most")
      ->group(group)
      ->capture_default_str();
  command.add_option("--min-tokens", s.min_tokens, "No stop before so many output tokens")
      ->group(group)
      ->capture_default_str();
  command.add_option("--stop", s.stop, "Stop before this text; repeatable")->group(group);
  command.add_option("--stop-token-id", s.stop_token_ids, "Stop at this token; repeatable")
      ->group(group);
  command.add_flag("--include-stop", s.include_stop, "Keep the text that stopped")->group(group);
  command.add_flag("--ignore-eos", s.ignore_eos, "Go on through the model's end-of-text tokens")
      ->group(group);
  command
      .add_option("--logprobs", s.num_logprobs,
                  "With --json: log-probabilities of the chosen and the N best tokens")
      ->group(group);
}

Status ParseLogitBias(GenerateOptions& o) {
  for (const std::string& text : o.logit_bias) {
    const size_t equals = text.find('=');
    TokenId token = 0;
    float value = 0;
    if (equals == std::string::npos || !CLI::detail::lexical_cast(text.substr(0, equals), token) ||
        !CLI::detail::lexical_cast(text.substr(equals + 1), value)) {
      return Err(Code::kInvalidArgument, "--logit-bias: found ", text,
                 ", wanted ID=VALUE such as 42=-1.5");
    }
    o.sampling.logit_bias.emplace_back(token, value);
  }
  return Ok();
}

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
  if (o.has_seed) o.sampling.seed = o.seed;
  WEIR_RETURN_IF_ERROR(ParseLogitBias(o));
  WEIR_ASSIGN_OR_RETURN(EngineOptions engine, FinishEngineFlags(o.engine));
  WEIR_RETURN_IF_ERROR(ReadPrompts(o.prompts));
  return engine;
}

Result<int> Generate(GenerateOptions& o) {
  WEIR_ASSIGN_OR_RETURN(EngineOptions engine_options, Prepare(o));
  Result<std::unique_ptr<Engine>> engine = [&] {
    Progress progress("packing weights");
    engine_options.on_load_progress = [&](int64_t done, int64_t total) { progress.Update(done, total); };
    return Engine::Open(engine_options);
  }();
  if (!engine) return tl::unexpected(engine.error());
  return RunGeneration(
      **engine, {.prompts = o.prompts, .sampling = o.sampling, .json = o.json, .quiet = o.quiet});
}

}  // namespace

void AddGenerate(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<GenerateOptions>();
  options->sampling.temperature = 0;
  CLI::App* command = app.add_subcommand("generate", "Continue prompts, streaming the text");
  command
      ->add_option("-p,--prompt", options->prompts,
                   "Text to continue; repeat it for a batch; - reads standard input")
      ->required()
      ->take_all();
  command->add_flag("--json", options->json, "One JSON object per prompt instead of text");
  command->add_flag("-q,--quiet", options->quiet, "No summary on standard error");
  AddStopOptions(*command, *options);
  AddSamplingOptions(*command, *options);
  AddEngineFlags(*command, options->engine);
  command->callback([options, &exit_code] {
    const Result<int> code = Generate(*options);
    if (!code) fmt::print(stderr, "weir: error: {}\n", code.error().message);
    exit_code = code.value_or(1);
  });
}

}  // namespace weir
