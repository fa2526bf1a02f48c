// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <algorithm>
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
    case LogLevel::DEBUG:
      return "debug";
    case LogLevel::INFO:
      return "info";
    case LogLevel::WARN:
      return "warn";
    case LogLevel::ERROR:
      return "error";
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
  // Control characters of a name that a user chose must not start a line or move the cursor.
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; };
  const auto needs_quotes = [&](char c) {
    return is_control(c) || c == ' ' || c == '"' || c == '=';
  };
  if (!value.empty() && std::none_of(value.begin(), value.end(), needs_quotes)) {
    out += value;
    return;
  }
  out += '"';
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else if (is_control(c)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

}  // namespace weir
