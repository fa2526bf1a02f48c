// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <atomic>
#include <cstdio>

#include "base/env.h"

namespace weir {
namespace {

LogLevel LevelFromEnv() {
  const std::string name = EnvString("WEIR_LOG_LEVEL");
  if (name == "debug") return LogLevel::DEBUG;
  if (name == "warn") return LogLevel::WARN;
  if (name == "error") return LogLevel::ERROR;
  return LogLevel::INFO;
}

std::atomic<LogLevel>& Threshold() {
  static std::atomic<LogLevel> level{LevelFromEnv()};
  return level;
}

const char* LevelName(LogLevel level) {
  switch (level) {
    case LogLevel::DEBUG: return "debug";
    case LogLevel::INFO: return "info";
    case LogLevel::WARN: return "warn";
    case LogLevel::ERROR: return "error";
  }
  return "?";
}

}  // namespace

void SetLogLevel(LogLevel level) { Threshold().store(level, std::memory_order_relaxed); }

bool LogEnabled(LogLevel level) { return level >= Threshold().load(std::memory_order_relaxed); }

void LogLine(LogLevel level, std::string_view event, std::string_view pairs) {
  // One write per line, so that lines of several threads do not mix.
  const std::string line = fmt::format("weir {}: {}{}\n", LevelName(level), event, pairs);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void log_internal::AppendValue(std::string& out, std::string_view value) {
  const bool plain = !value.empty() && value.find_first_of(" \"\n\t=") == std::string_view::npos;
  if (plain) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace weir
