// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_serve_progress.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace weir {
namespace {

constexpr int kBarWidth = 24;
constexpr double kPlainSeconds = 10;  // between two lines that stay

std::string Clock(double seconds) {
  const auto whole = static_cast<int64_t>(seconds);
  return fmt::format("{:02}:{:02}", whole / 60, whole % 60);
}

std::string Line(const loadgen::LoadProgress& now) {
  const double rate = static_cast<double>(now.num_ended) / std::max(now.elapsed_s, 1e-3);
  const double left = static_cast<double>(now.num_requests - now.num_ended) / std::max(rate, 1e-6);
  std::string line = fmt::format(
      "{}/{} [{}<{}, {:.2f} req/s, {:.0f} chunk/s, {} in flight", now.num_ended, now.num_requests,
      Clock(now.elapsed_s), now.num_ended > 0 ? Clock(left) : "?", rate,
      static_cast<double>(now.num_chunks) / std::max(now.elapsed_s, 1e-3), now.in_flight);
  if (now.num_failed > 0) line += fmt::format(", {} failed", now.num_failed);
  return line + "]";
}

}  // namespace

RequestProgress::RequestProgress(bool silent)
    : silent_(silent), terminal_(::isatty(STDERR_FILENO) == 1) {
  if (!terminal_) next_shown_s_ = kPlainSeconds;
}

void RequestProgress::Update(const loadgen::LoadProgress& now) {
  if (silent_ || now.elapsed_s < next_shown_s_) return;
  if (!terminal_) {
    next_shown_s_ = now.elapsed_s + kPlainSeconds;
    fmt::print(stderr, "weir bench serve: {}\n", Line(now));
    return;
  }
  const int64_t filled = kBarWidth * now.num_ended / std::max<int64_t>(now.num_requests, 1);
  fmt::print(stderr, "\r\033[K{:#<{}}{:.<{}} {}", "", filled, "", kBarWidth - filled, Line(now));
  std::fflush(stderr);
  open_ = true;
}

void RequestProgress::End() {
  if (open_) fmt::print(stderr, "\n");
  open_ = false;
}

}  // namespace weir
