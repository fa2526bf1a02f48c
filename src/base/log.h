// SPDX-License-Identifier: Apache-2.0
//
// One line per event on standard error: WEIR_LOG(INFO, "kernels chosen", "table", name, "why", why)
// An event in lower case, then key-value pairs. INFO at start-up and per state change, never per
// token or per step.
#ifndef WEIR_BASE_LOG_H_
#define WEIR_BASE_LOG_H_

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace weir {

enum class LogLevel { DEBUG, INFO, WARN, ERROR };

// Lines below `level` are dropped. INFO at start; WEIR_LOG_LEVEL (debug|info|warn|error) overrides.
void SetLogLevel(LogLevel level);
bool LogEnabled(LogLevel level);
void LogLine(LogLevel level, std::string_view event, std::string_view pairs);

namespace log_internal {

void AppendValue(std::string& out, std::string_view value);  // quoted where it holds a space

inline void AppendPairs(std::string&) {}
template <class Value, class... Rest>
void AppendPairs(std::string& out, std::string_view key, const Value& value, const Rest&... rest) {
  out += ' ';
  out += key;
  out += '=';
  AppendValue(out, fmt::format("{}", value));
  AppendPairs(out, rest...);
}

}  // namespace log_internal

template <class... Args>
void Log(LogLevel level, std::string_view event, const Args&... pairs) {
  static_assert(sizeof...(pairs) % 2 == 0, "keys and values come in pairs");
  if (!LogEnabled(level)) return;
  std::string text;
  log_internal::AppendPairs(text, pairs...);
  LogLine(level, event, text);
}

}  // namespace weir

#define WEIR_LOG(level, ...) ::weir::Log(::weir::LogLevel::level, __VA_ARGS__)

#endif  // WEIR_BASE_LOG_H_
