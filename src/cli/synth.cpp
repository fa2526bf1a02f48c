// SPDX-License-Identifier: Apache-2.0
//
// `weir synth`: writes a model of random weights as a Hugging Face folder, for measuring and
// testing this and other engines on the same bytes.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <string>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/progress.h"
#include "loader/synth/preset.h"
#include "loader/synth/writer.h"

namespace weir {
namespace {

std::string PresetNames() {
  std::string names;
  for (const SynthPreset& preset : SynthPresets()) {
    if (!names.empty()) names += ", ";
    names += preset.name;
  }
  return names;
}

int RunSynth(SynthWriteOptions options) {
  Progress progress("writing " + options.preset);
  options.on_progress = [&progress](uint64_t done, uint64_t total) {
    progress.Update(static_cast<int64_t>(done), static_cast<int64_t>(total));
  };
  const Result<SynthWriteReport> report = WriteSynthModel(options);
  if (!report) {
    fmt::print(stderr, "weir synth: {}\n", report.error().message);
    return report.error().code == Code::kInvalidArgument || report.error().code == Code::kNotFound
               ? 2
               : 1;
  }
  fmt::print("{}: {}, seed {}, {} files, {:.3f} GB\n", options.folder, options.preset, options.seed,
             report->files.size(), static_cast<double>(report->bytes) / 1e9);
  return 0;
}

}  // namespace

void AddSynth(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("synth", "Write a model of random weights as a Hugging Face folder");
  // The parser keeps pointers to the options until it has run.
  const auto options = std::make_shared<SynthWriteOptions>();
  command->add_option("-p,--preset", options->preset, "One of " + PresetNames())->required();
  command->add_option("-o,--out", options->folder, "Folder to write, new or empty")->required();
  command->add_option("--seed", options->seed, "Same seed, same bytes")
      ->check(NoSign)
      ->capture_default_str();
  command->add_flag("--force", options->force,
                    "Write into a folder that is not empty; replaces the model in it");
  command->callback([options, &exit_code] { exit_code = RunSynth(*options); });
}

}  // namespace weir
