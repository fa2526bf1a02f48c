// SPDX-License-Identifier: Apache-2.0
#include "cli/line_reader.h"

#include <cerrno>
#include <poll.h>
#include <unistd.h>

namespace weir {
namespace {

constexpr int kPollMs = 100;

}  // namespace

LineReader::Event LineReader::Next(std::string& line) {
  for (size_t searched = 0;;) {
    const size_t end = buffer_.find('\n', searched);
    if (end != std::string::npos) {
      line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      if (skipping_) {
        skipping_ = false;
        searched = 0;
        continue;
      }
      return Event::kLine;
    }
    if (at_end_) {
      line.swap(buffer_);
      buffer_.clear();
      return line.empty() || skipping_ ? Event::kEnd : Event::kLine;
    }
    searched = buffer_.size();
    if (searched > kMaxLineBytes) {
      buffer_.clear();
      searched = 0;
      if (!skipping_) {
        skipping_ = true;
        return Event::kTooLong;
      }
    }
    if (signalled_()) {
      buffer_.clear();
      return Event::kSignal;
    }
    // A signal may come between the question above and the wait, which must not be for ever then.
    pollfd wanted = {fd_, POLLIN, 0};
    if (::poll(&wanted, 1, kPollMs) <= 0) continue;
    char bytes[4096];
    const ssize_t count = ::read(fd_, bytes, sizeof bytes);
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) {
      at_end_ = true;
    } else {
      buffer_.append(bytes, static_cast<size_t>(count));
    }
  }
}

}  // namespace weir
