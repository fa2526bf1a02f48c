// SPDX-License-Identifier: Apache-2.0
#include "loadgen/client/url.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <optional>

#include "base/error.h"

namespace weir::loadgen {
namespace {

constexpr std::string_view kHttp = "http://";

std::optional<uint16_t> ParsePort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// "host", "host:port" or "[address]:port".
bool ParseAuthority(std::string_view text, Url& url) {
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t close = text.find(']');
    if (close == std::string_view::npos) return false;
    url.host = text.substr(1, close - 1);
    port = text.substr(close + 1);
  } else {
    const size_t colon = text.find(':');
    url.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (url.host.empty() || url.host.find_first_of("@ \t\r\n") != std::string::npos) return false;
  if (port.empty()) return true;
  if (port[0] != ':') return false;
  const std::optional<uint16_t> number = ParsePort(port.substr(1));
  url.port = number.value_or(0);
  return number.has_value();
}

bool IsPathChar(char c) { return c > ' ' && c <= '~'; }

}  // namespace

std::string Url::Authority() const {
  if (host.find(':') == std::string::npos) return fmt::format("{}:{}", host, port);
  return fmt::format("[{}]:{}", host, port);
}

Result<Url> ParseUrl(std::string_view text, std::string_view option) {
  if (text.starts_with("https://")) {
    return Err(Code::kUnsupported, option, ": found ", text,
               ", wanted http://: measure behind the TLS proxy, or through one of your own");
  }
  if (!text.starts_with(kHttp)) {
    return Err(Code::kInvalidArgument, option, ": found \"", text, "\", wanted http://HOST:PORT");
  }
  const std::string_view rest = text.substr(kHttp.size());
  const size_t slash = std::min(rest.find('/'), rest.size());
  Url url;
  if (!ParseAuthority(rest.substr(0, slash), url)) {
    return Err(Code::kInvalidArgument, option, ": found \"", text, "\", wanted http://HOST:PORT");
  }
  url.path = rest.substr(slash);
  while (url.path.ends_with('/')) url.path.pop_back();
  for (const char c : url.path) {
    if (!IsPathChar(c)) {
      return Err(Code::kInvalidArgument, option, ": found \"", text,
                 "\", wanted a path without spaces and control characters");
    }
  }
  return url;
}

}  // namespace weir::loadgen
