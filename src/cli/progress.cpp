// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>
#include <utility>

#include "base/clock.h"

namespace weir {
namespace {

constexpr int kBarWidth = 30;
constexpr double kTerminalSeconds = 0.1;  // between two drawings
constexpr double kLogSeconds = 5.0;

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      start_(NowSeconds()),
      last_shown_(start_),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (shown_ && terminal_) fmt::print(stderr, "\n");
}

void Progress::Update(int64_t done_bytes, int64_t total_bytes) {
  const double now = NowSeconds();
  const bool complete = done_bytes >= total_bytes;
  const double pause = terminal_ ? kTerminalSeconds : kLogSeconds;
  if (now - last_shown_ < pause && !(complete && shown_)) return;
  last_shown_ = now;
  shown_ = true;
  const double part =
      total_bytes > 0 ? static_cast<double>(done_bytes) / static_cast<double>(total_bytes) : 1.0;
  const double rate = static_cast<double>(done_bytes) / 1e9 / std::max(now - start_, 1e-3);
  const std::string numbers = fmt::format("{} {:3.0f} % of {:.2f} GB, {:.2f} GB/s", what_,
                                          100 * part, static_cast<double>(total_bytes) / 1e9, rate);
  if (!terminal_) {
    fmt::print(stderr, "{}\n", numbers);
    return;
  }
  const int filled = static_cast<int>(kBarWidth * part);
  fmt::print(stderr, "\r{} [{:#<{}}{:.<{}}]", numbers, "", filled, "", kBarWidth - filled);
  std::fflush(stderr);
}

}  // namespace weir
