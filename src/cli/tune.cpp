// SPDX-License-Identifier: Apache-2.0
//
// `weir tune`: measures what plans need to know of this machine, and leaves it where the other
// commands look for it.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>

#include "base/env.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/num_threads.h"
#include "cli/output_file.h"
#include "cli/tune_report.h"
#include "cli/tuned_profile.h"

namespace weir {
namespace {

struct TuneOptions {
  std::string out;
  int32_t threads = 0;
  bool json = false;
};

Result<std::string> OutputPath(const TuneOptions& o) {
  if (!o.out.empty()) return o.out;
  std::string path = DefaultProfilePath();
  if (!path.empty()) return path;
  return Err(Code::kInvalidArgument,
             "--out: neither XDG_CACHE_HOME nor HOME tells a place, wanted --out FILE");
}

Status Tune(const TuneOptions& o) {
  TuneReport report;
  WEIR_ASSIGN_OR_RETURN(report.file, OutputPath(o));
  WEIR_ASSIGN_OR_RETURN(const int32_t threads, CountThreads(o.threads));
  WEIR_ASSIGN_OR_RETURN(const KernelChoice kernels,
                        ChooseKernels(EnvString("WEIR_KERNELS"), DetectCpuFeatures()));
  FindPrevious(threads, report);
  WEIR_ASSIGN_OR_RETURN(report.tuning,
                        MeasureCpuProfile(kernels.table, threads, [](std::string_view what) {
                          fmt::print(stderr, "weir tune: {}\n", what);
                        }));
  WEIR_RETURN_IF_ERROR(
      ReplaceOutputFile("--out", report.file, DumpDeviceProfile(report.tuning.profile)));
  return PrintOut(o.json ? DumpJson(ToJson(report)) + "\n" : ToText(report));
}

}  // namespace

void AddTune(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<TuneOptions>();
  CLI::App* command =
      app.add_subcommand("tune", "Measure this machine in seconds, for better plans of attention");
  command
      ->add_option("--out", options->out,
                   "Write the profile here (default: weir/device.json in the user's cache folder, "
                   "where other commands find it)")
      ->type_name("FILE");
  command
      ->add_option("--threads", options->threads,
                   "Worker threads (default: WEIR_THREADS, or every usable CPU)")
      ->check(CLI::Range(1, kMaxThreads));
  command->add_flag("--json", options->json, "One JSON object with every sample");
  command->callback([options, &exit_code] {
    const Status status = Tune(*options);
    if (status) return;
    fmt::print(stderr, "weir: error: {}\n", status.error().message);
    exit_code = status.error().code == Code::kInvalidArgument ? 2 : 1;
  });
}

}  // namespace weir
