// SPDX-License-Identifier: Apache-2.0
//
// `weir bench mixed`: what long prompts do to the tokens of others, on any server of the OpenAI
// API.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>

#include "base/error.h"
#include "cli/bench.h"
#include "cli/bench_serve_flags.h"
#include "cli/bench_serve_progress.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "loadgen/client/epoll_network.h"
#include "loadgen/mixed/mixed.h"

namespace weir {
namespace {

struct BenchMixedFlags {
  BenchServeFlags serve;  // of which those of the server are used
  loadgen::MixedOptions mixed;
  std::optional<int64_t> inject_cached;
  std::string prompt_format = "ids";
  bool json = false;
  bool disable_tqdm = false;
};

void AddProfileFlags(CLI::App& command, BenchMixedFlags& f) {
  const std::string group = "Profile";
  const auto add = [&](const std::string& name, auto& value, const std::string& help) {
    return command.add_option(name, value, help)->group(group);
  };
  loadgen::MixedOptions& m = f.mixed;
  add("--background", m.background, "Decodes at the same time")->capture_default_str();
  add("--background-context", m.background_context, "Tokens of their prompts")
      ->capture_default_str();
  add("--background-output-len", m.background_output,
      "Tokens that they may decode; they are cut off at the end of the profile")
      ->capture_default_str();
  add("--inject-len", m.inject_len, "Tokens of each injected prompt")->capture_default_str();
  add("--inject-cached", f.inject_cached,
      "Tokens of it that are cached, for every second one (default: three quarters)");
  add("--inject-count", m.inject_count, "Injected prompts of each kind")->capture_default_str();
  add("--inject-interval", m.inject_interval_s, "Seconds from one to the next")
      ->capture_default_str();
  add("--settle", m.settle_s, "Seconds of decoding alone, before the first and after the last")
      ->capture_default_str();
  add("--seed", m.seed, "Of the prompts")->capture_default_str();
  add("--prompt-format", f.prompt_format, "ids, or text (needs --tokenizer)")
      ->check(CLI::IsMember({"ids", "text"}))
      ->capture_default_str();
  command.add_flag("--json", f.json, "One JSON object")->group("Output");
  command.add_flag("--disable-tqdm", f.disable_tqdm, "No progress bar")->group("Output");
}

Result<int> BenchMixed(const BenchMixedFlags& flags) {
  WEIR_ASSIGN_OR_RETURN(const BenchServeSetup setup, SetUpBenchServe(flags.serve));
  loadgen::MixedOptions options = flags.mixed;
  options.form = setup.options.form;
  options.tokenizer = setup.tokenizer.get();
  options.as_text = flags.prompt_format == "text";
  options.inject_cached = flags.inject_cached.value_or(options.inject_len * 3 / 4);
  options.request_timeout_s = setup.options.request_timeout_s;
  WEIR_RETURN_IF_ERROR(ValidateMixed(options));
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<loadgen::Network> network,
                        loadgen::MakeEpollNetwork(options.form.server));
  CatchInterrupt();
  RequestProgress progress(flags.disable_tqdm);
  const loadgen::ServeHooks hooks{
      .say = [](std::string_view line) { fmt::print(stderr, "weir bench mixed: {}\n", line); },
      .progress = [&](const loadgen::LoadProgress& now) { progress.Update(now); },
      .interrupted = Interrupted};
  WEIR_ASSIGN_OR_RETURN(const loadgen::MixedResult result, RunMixed(options, *network, hooks));
  progress.End();
  WEIR_RETURN_IF_ERROR(PrintOut(flags.json ? DumpJson(MixedJson(options, result)) + "\n"
                                           : MixedText(options, result)));
  if (result.interrupted) return 130;
  return result.gaps.gaps.empty() ? 1 : 0;
}

}  // namespace

void AddBenchMixed(CLI::App& bench, int& exit_code) {
  const auto flags = std::make_shared<BenchMixedFlags>();
  CLI::App* command = bench.add_subcommand(
      "mixed", "Inject long prompts among running decodes and tell what it does to both");
  AddServerFlags(*command, flags->serve);
  AddProfileFlags(*command, *flags);
  command->callback([flags, &exit_code] {
    const Result<int> code = BenchMixed(*flags);
    if (code) {
      exit_code = *code;
      return;
    }
    exit_code = 130;
    if (Interrupted()) return;
    fmt::print(stderr, "weir: error: {}\n", code.error().message);
    const Code kind = code.error().code;
    exit_code = kind == Code::kInvalidArgument || kind == Code::kUnsupported ? 2 : 1;
  });
}

}  // namespace weir
