// SPDX-License-Identifier: Apache-2.0
//
// `weir serve`: the OpenAI-compatible server.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>

#include "cli/commands.h"
#include "cli/serve_flags.h"
#include "cli/serve_run.h"

namespace weir {
namespace {

Result<int> Serve(const ServeFlags& flags) {
  auto setup = FinishServeFlags(flags);
  if (!setup) return tl::unexpected(setup.error());
  return RunServer(std::move(*setup));
}

}  // namespace

void AddServe(CLI::App& app, int& exit_code) {
  auto flags = std::make_shared<ServeFlags>();
  CLI::App* command = app.add_subcommand("serve", "Serve a model over HTTP, as OpenAI's API does");
  AddServeFlags(*command, *flags);
  command->callback([flags, &exit_code] {
    const Result<int> code = Serve(*flags);
    if (!code) fmt::print(stderr, "weir: error: {}\n", code.error().message);
    exit_code = code.value_or(1);
  });
}

}  // namespace weir
