// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/workload.h"

#include "base/error.h"
#include "loadgen/workload/conversations.h"
#include "loadgen/workload/synthetic.h"
#include "loadgen/workload/traces.h"

namespace weir::loadgen {
namespace {

struct Dataset {
  const char* name;
  bool has_file;
  Result<Workload> (*make)(const WorkloadOptions&);
};

constexpr Dataset kDatasets[] = {
    {"random", false, MakeRandom},         {"prefix_repetition", false, MakePrefixRepetition},
    {"sharegpt", true, MakeShareGpt},      {"sonnet", true, MakeSonnet},
    {"custom", true, MakeCustom},          {"burstgpt", true, MakeBurstGpt},
    {"timed_trace", true, MakeTimedTrace},
};

}  // namespace

Result<Workload> MakeWorkload(const WorkloadOptions& options) {
  if (options.num_requests < 1 || options.num_requests > 10'000'000) {
    return Err(Code::kInvalidArgument, "--num-prompts: found ", options.num_requests,
               ", wanted 1 to 10000000");
  }
  if (options.seed >> 32 != 0) {
    return Err(Code::kInvalidArgument, "--seed: found ", options.seed, ", wanted less than 2^32");
  }
  std::string known;
  for (const Dataset& dataset : kDatasets) {
    known += known.empty() ? "" : ", ";
    known += dataset.name;
    if (options.dataset != dataset.name) continue;
    if (!dataset.has_file && !options.path.empty()) {
      return Err(Code::kInvalidArgument, "--dataset-path: found ", options.path,
                 " with --dataset-name ", options.dataset, ", which reads no file");
    }
    return dataset.make(options);
  }
  return Err(Code::kInvalidArgument, "--dataset-name: found \"", options.dataset, "\", wanted ",
             known);
}

}  // namespace weir::loadgen
