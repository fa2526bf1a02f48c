// SPDX-License-Identifier: Apache-2.0
//
// `weir bench`: measures this machine, or a server. What is measured is a subcommand.
#include "cli/bench.h"

#include <CLI/CLI.hpp>

#include "cli/commands.h"

namespace weir {

void AddBench(CLI::App& app, int& exit_code) {
  CLI::App* bench = app.add_subcommand("bench", "Measure this machine or a server");
  bench->require_subcommand(1);
  bench->footer("Run `weir bench COMMAND --help` for a command's options.");
  AddBenchAttention(*bench, exit_code);
  AddBenchServe(*bench, exit_code);
  AddBenchMixed(*bench, exit_code);
}

}  // namespace weir
