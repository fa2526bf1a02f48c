// SPDX-License-Identifier: Apache-2.0
//
// One line of progress on standard error: redrawn on a terminal, a few plain lines elsewhere.
#ifndef WEIR_CLI_PROGRESS_H_
#define WEIR_CLI_PROGRESS_H_

#include <cstdint>
#include <string>

namespace weir {

class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void Update(int64_t done_bytes, int64_t total_bytes);

 private:
  std::string what_;
  double start_;
  double last_shown_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace weir

#endif  // WEIR_CLI_PROGRESS_H_
