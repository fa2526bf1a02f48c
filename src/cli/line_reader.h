// SPDX-License-Identifier: Apache-2.0
//
// Lines of standard input, read so that a signal ends the waiting.
#ifndef WEIR_CLI_LINE_READER_H_
#define WEIR_CLI_LINE_READER_H_

#include <functional>
#include <string>
#include <utility>

namespace weir {

class LineReader {
 public:
  enum class Event { kLine, kEnd, kSignal, kTooLong };
  static constexpr size_t kMaxLineBytes = size_t{16} << 20;

  // Reads from a file descriptor, which stays the caller's. `signalled` is asked several times a
  // second whether to give up waiting.
  LineReader(int fd, std::function<bool()> signalled) : fd_(fd), signalled_(std::move(signalled)) {}

  // The next line without its end; the last one need not have one. After kSignal or kTooLong what
  // was read of the line is gone.
  Event Next(std::string& line);

 private:
  const int fd_;
  const std::function<bool()> signalled_;
  std::string buffer_;
  bool at_end_ = false;
  bool skipping_ = false;  // the rest of a line that was too long
};

}  // namespace weir

#endif  // WEIR_CLI_LINE_READER_H_
