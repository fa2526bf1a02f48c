// SPDX-License-Identifier: Apache-2.0
//
// `weir doctor`: what Weir finds on this machine and what would make it faster.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>

#include "base/env.h"
#include "cli/commands.h"
#include "cli/doctor_report.h"

namespace weir {

void AddDoctor(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("doctor", "Show what this machine offers and what could be changed");
  const auto json = std::make_shared<bool>(false);
  command->add_flag("--json", *json, "Print one JSON object instead of text");
  command->callback([json, &exit_code] {
    const DoctorReport report = Examine(EnvString("WEIR_KERNELS"));
    if (*json) {
      fmt::print("{}\n", DumpJson(ToJson(report)));
    } else {
      fmt::print("{}", ToText(report));
    }
    // Anything else that is found is advice; without kernels no other command can run.
    exit_code = report.kernels.chosen.empty() ? 1 : 0;
  });
}

}  // namespace weir
