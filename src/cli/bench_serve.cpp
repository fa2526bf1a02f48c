// SPDX-License-Identifier: Apache-2.0
//
// `weir bench serve`: puts a load on any server that speaks the OpenAI API and reports what
// `vllm bench serve` reports. Measuring and figures are in src/loadgen.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <memory>

#include "base/error.h"
#include "cli/bench.h"
#include "cli/bench_serve_flags.h"
#include "cli/bench_serve_plot.h"
#include "cli/bench_serve_progress.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "loadgen/client/epoll_network.h"
#include "loadgen/report/compare.h"
#include "loadgen/report/result_json.h"
#include "loadgen/report/result_text.h"
#include "loadgen/serve/serve.h"

namespace weir {
namespace {

using loadgen::ServeOptions;
using loadgen::ServeResult;

std::string Date() { return fmt::format("{:%Y%m%d-%H%M%S}", fmt::localtime(std::time(nullptr))); }

void Say(std::string_view line) {
  fmt::print("{}\n", line);
  std::fflush(stdout);
}

Result<std::string> ResultPath(const BenchServeFlags& flags, const ServeOptions& options,
                               const ServeResult& result, const std::string& date) {
  const std::filesystem::path name = flags.result_filename.empty()
                                         ? ResultFileName(options, result.model_id, date)
                                         : flags.result_filename;
  std::error_code error;
  const std::filesystem::path folder(flags.result_dir);
  if (!folder.empty()) std::filesystem::create_directories(folder, error);
  if (error) return Err(Code::kIo, "--result-dir: ", flags.result_dir, ": ", error.message());
  return (folder / name).string();
}

// One line per run, as --append-result has it.
Status Save(const std::string& path, const std::string& line, bool append) {
  if (!append) return WriteOutputFile("--save-result", path, line);
  std::error_code error;
  const bool has_lines = std::filesystem::file_size(path, error) > 0 && !error;
  return AppendOutputFile("--append-result", path, (has_lines ? "\n" : "") + line);
}

struct Runs {
  std::vector<ServeResult> results;
  std::vector<Json> jsons;
};

Status RunOnce(const BenchServeFlags& flags, ServeOptions options, loadgen::Network& network,
               Runs& runs, std::string& path) {
  const auto run = static_cast<int64_t>(runs.results.size());
  options.workload.seed += static_cast<uint64_t>(run);
  if (flags.num_runs > 1) Say(fmt::format("Run {} of {}", run + 1, flags.num_runs));
  RequestProgress progress(flags.disable_tqdm);
  const loadgen::ServeHooks hooks{
      .say = Say,
      .progress = [&](const loadgen::LoadProgress& now) { progress.Update(now); },
      .interrupted = Interrupted};
  WEIR_ASSIGN_OR_RETURN(ServeResult result, RunServe(options, network, hooks));
  progress.End();
  WEIR_RETURN_IF_ERROR(PrintOut(ResultText(options, result)));
  const std::string date = Date();
  Json json = ResultJson(
      options, result,
      {.date = date, .detailed = flags.save_detailed, .run = run, .num_runs = flags.num_runs});
  if (flags.save_result || flags.append_result) {
    if (path.empty()) {
      WEIR_ASSIGN_OR_RETURN(path, ResultPath(flags, options, result, date));
    }
    WEIR_RETURN_IF_ERROR(Save(path, DumpJson(json), flags.append_result || run > 0));
    Say("Result written to " + path);
  }
  runs.results.push_back(std::move(result));
  runs.jsons.push_back(std::move(json));
  return Ok();
}

Status CompareFiles(const std::vector<std::string>& paths) {
  std::vector<loadgen::ResultSet> sets;
  for (const std::string& path : paths) {
    loadgen::ResultSet& set = sets.emplace_back();
    set.name = path;
    WEIR_ASSIGN_OR_RETURN(set.runs, loadgen::ReadResults(path));
  }
  return PrintOut(CompareText(sets));
}

// Returns the exit code.
Result<int> BenchServe(const BenchServeFlags& flags) {
  if (!flags.compare.empty()) {
    WEIR_RETURN_IF_ERROR(CompareFiles(flags.compare));
    return 0;
  }
  WEIR_ASSIGN_OR_RETURN(const BenchServeSetup setup, SetUpBenchServe(flags));
  WEIR_ASSIGN_OR_RETURN(const std::unique_ptr<loadgen::Network> network,
                        loadgen::MakeEpollNetwork(setup.options.form.server));
  CatchInterrupt();
  if (!flags.temperature && !setup.options.form.extra.contains("temperature")) {
    Say("WARNING: no --temperature is given, so the server's own default is used. For greedy "
        "decoding, include --temperature=0.");
  }
  Runs runs;
  std::string path;
  while (static_cast<int32_t>(runs.results.size()) < flags.num_runs && !Interrupted()) {
    WEIR_RETURN_IF_ERROR(RunOnce(flags, setup.options, *network, runs, path));
  }
  if (runs.jsons.size() > 1) WEIR_RETURN_IF_ERROR(PrintOut(loadgen::VariationText(runs.jsons)));
  if (!flags.plot.empty() && !runs.results.empty()) {
    WEIR_RETURN_IF_ERROR(
        WriteOutputFile("--plot", flags.plot, ServePlot(setup.options, runs.results)));
    Say("Picture written to " + flags.plot);
  }
  if (Interrupted()) return 130;
  for (const ServeResult& result : runs.results) {
    if (result.metrics.completed == 0) return 1;
  }
  return 0;
}

}  // namespace

void AddBenchServe(CLI::App& bench, int& exit_code) {
  const auto flags = std::make_shared<BenchServeFlags>();
  CLI::App* command = bench.add_subcommand(
      "serve", "Put a load on a server of the OpenAI API and report what vllm bench serve reports");
  AddServerFlags(*command, *flags);
  AddDatasetFlags(*command, *flags);
  AddTrafficFlags(*command, *flags);
  AddOutputFlags(*command, *flags);
  command->callback([flags, &exit_code] {
    const Result<int> code = BenchServe(*flags);
    if (code) {
      exit_code = *code;
      return;
    }
    if (Interrupted()) {
      exit_code = 130;
      return;
    }
    fmt::print(stderr, "weir: error: {}\n", code.error().message);
    const Code kind = code.error().code;
    exit_code = kind == Code::kInvalidArgument || kind == Code::kUnsupported ? 2 : 1;
  });
}

}  // namespace weir
