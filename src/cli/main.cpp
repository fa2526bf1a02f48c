// SPDX-License-Identifier: Apache-2.0
//
// The binary `weir`: picks the subcommand.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>

#include <weir/version.h>

#include "base/env.h"
#include "cli/commands.h"

namespace weir {
namespace {

void PrintEnvironment() {
  for (const EnvVariable& variable : EnvVariables()) {
    fmt::print("{:<16} {}\n", variable.name, variable.meaning);
  }
}

int Main(int argc, char** argv) {
  CLI::App app("Weir serves Qwen3-class language models with decode latency that stays flat.",
               "weir");
  app.set_version_flag("--version", std::string("weir ") + Version());
  bool help_env = false;
  app.add_flag("--help-env", help_env, "Print the environment variables that Weir reads");
  app.require_subcommand(0, 1);
  app.get_formatter()->column_width(36);
  app.footer("Run `weir COMMAND --help` for a command's options.");

  int exit_code = 0;
  AddGenerate(app, exit_code);
  AddChat(app, exit_code);
  AddServe(app, exit_code);
  AddSynth(app, exit_code);
  AddDoctor(app, exit_code);
  AddPlan(app, exit_code);
  AddTune(app, exit_code);
  AddExplain(app, exit_code);
  AddBench(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? 0 : 2;
  }
  if (help_env) {
    PrintEnvironment();
    return 0;
  }
  if (app.get_subcommands().empty()) {
    fmt::print(stderr, "{}", app.help());
    return 2;
  }
  return exit_code;
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) { return weir::Main(argc, argv); }
