// SPDX-License-Identifier: Apache-2.0
#include "cli/sampling_flags.h"

#include <CLI/CLI.hpp>

#include "base/error.h"
#include "cli/checks.h"

namespace weir {
namespace {

// Adds options that fill one member of the parameters each.
class Adder {
 public:
  Adder(CLI::App& command, SamplingFlags& flags, std::string group)
      : command_(command), flags_(flags), group_(std::move(group)) {}

  template <class T>
  void Option(const char* name, T SamplingParams::*member, const char* help) {
    Note(command_.add_option(name, flags_.given.*member, help)->group(group_), member);
  }
  void Flag(const char* name, bool SamplingParams::*member, const char* help) {
    Note(command_.add_flag(name, flags_.given.*member, help)->group(group_), member);
  }

 private:
  template <class T>
  void Note(const CLI::Option* option, T SamplingParams::*member) {
    flags_.copies.push_back([option, member, from = &flags_.given](SamplingParams& to) {
      if (option->count() > 0) to.*member = from->*member;
    });
  }

  CLI::App& command_;
  SamplingFlags& flags_;
  const std::string group_;
};

void AddStopOptions(Adder add) {
  using S = SamplingParams;
  add.Option("-n,--max-tokens", &S::max_tokens, "Output tokens at most");
  add.Option("--min-tokens", &S::min_tokens, "No stop before so many output tokens");
  add.Option("--stop", &S::stop, "Stop before this text; repeatable");
  add.Option("--stop-token-id", &S::stop_token_ids, "Stop at this token; repeatable");
  add.Flag("--include-stop", &S::include_stop, "Keep the text that stopped");
  add.Flag("--ignore-eos", &S::ignore_eos, "Go on through the model's end-of-text tokens");
}

void AddChoiceOptions(Adder add) {
  using S = SamplingParams;
  add.Option("--temperature", &S::temperature, "0: always the most probable token");
  add.Option("--top-k", &S::top_k, "Draw from the k most probable tokens; 0: all");
  add.Option("--top-p", &S::top_p, "Draw from the smallest set with this much probability");
  add.Option("--min-p", &S::min_p, "Drop tokens below this fraction of the most probable one");
  add.Option("--repetition-penalty", &S::repetition_penalty,
             "Above 1: fewer repeats of prompt and output");
  add.Option("--presence-penalty", &S::presence_penalty,
             "Subtracted once per token already in the output");
  add.Option("--frequency-penalty", &S::frequency_penalty,
             "Subtracted per occurrence in the output");
}

Status AddLogitBias(const std::string& text, SamplingParams& params) {
  const size_t equals = text.find('=');
  TokenId token = 0;
  float value = 0;
  if (equals == std::string::npos || !CLI::detail::lexical_cast(text.substr(0, equals), token) ||
      !CLI::detail::lexical_cast(text.substr(equals + 1), value)) {
    return Err(Code::kInvalidArgument, "--logit-bias: found ", text,
               ", wanted ID=VALUE such as 42=-1.5");
  }
  params.logit_bias.emplace_back(token, value);
  return Ok();
}

}  // namespace

void AddSamplingFlags(CLI::App& command, SamplingFlags& flags) {
  AddStopOptions(Adder(command, flags, "Length and stopping"));
  AddChoiceOptions(Adder(command, flags, "Sampling"));
  command
      .add_option("--logit-bias", flags.logit_bias,
                  "ID=VALUE, added to a token's logit; repeatable")
      ->group("Sampling");
  const CLI::Option* seed =
      command
          .add_option("--seed", flags.seed, "Same seed, same text (default: a new one each run)")
          ->check(NoSign)
          ->group("Sampling");
  flags.copies.push_back([seed, from = &flags](SamplingParams& to) {
    if (seed->count() > 0) to.seed = from->seed;
  });
}

Result<SamplingParams> FinishSamplingFlags(const SamplingFlags& flags, SamplingParams base) {
  for (const auto& copy : flags.copies) copy(base);
  for (const std::string& text : flags.logit_bias) WEIR_RETURN_IF_ERROR(AddLogitBias(text, base));
  return base;
}

}  // namespace weir
