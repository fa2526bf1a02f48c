// SPDX-License-Identifier: Apache-2.0
//
// What `weir tune` found, beside what was believed before.
#ifndef WEIR_CLI_TUNE_REPORT_H_
#define WEIR_CLI_TUNE_REPORT_H_

#include <string>

#include "base/json.h"
#include "cli/tune_measure.h"

namespace weir {

struct TuneReport {
  std::string file;      // that was written
  std::string previous;  // where `before` is from: "built in", or the file that was replaced
  DeviceProfile before;
  Tuning tuning;
};

// The profile in the file that is about to be replaced, or the built-in one.
void FindPrevious(int32_t num_threads, TuneReport& report);

// A line per constant: old, new, by how much it changed, and how much its samples differ.
std::string ToText(const TuneReport& report);
Json ToJson(const TuneReport& report);

}  // namespace weir

#endif  // WEIR_CLI_TUNE_REPORT_H_
