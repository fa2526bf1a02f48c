// SPDX-License-Identifier: Apache-2.0
//
// A run's progress on standard error: one line redrawn on a terminal, a plain line now and then
// elsewhere.
#ifndef WEIR_CLI_BENCH_SERVE_PROGRESS_H_
#define WEIR_CLI_BENCH_SERVE_PROGRESS_H_

#include "loadgen/client/load_run.h"

namespace weir {

class RequestProgress {
 public:
  explicit RequestProgress(bool silent);
  ~RequestProgress() { End(); }
  RequestProgress(const RequestProgress&) = delete;
  RequestProgress& operator=(const RequestProgress&) = delete;

  void Update(const loadgen::LoadProgress& now);
  void End();  // ends the line

 private:
  bool silent_;
  bool terminal_;
  bool open_ = false;        // a line that has no end yet
  double next_shown_s_ = 0;  // of the run
};

}  // namespace weir

#endif  // WEIR_CLI_BENCH_SERVE_PROGRESS_H_
