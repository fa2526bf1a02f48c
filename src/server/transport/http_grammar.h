// SPDX-License-Identifier: Apache-2.0
//
// The words of HTTP/1.1 (RFC 9110 and 9112), read strictly: whatever two programs on one connection
// could understand differently is an error here.
#ifndef WEIR_SERVER_TRANSPORT_HTTP_GRAMMAR_H_
#define WEIR_SERVER_TRANSPORT_HTTP_GRAMMAR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

bool IsTokenChar(char c);
bool IsToken(std::string_view text);       // a method or a header's name; not empty
bool IsFieldValue(std::string_view text);  // visible characters, spaces, tabs and bytes >= 0x80
bool IsPathUtf8(std::string_view text);

// "Accept: a" -> {"accept", "a"}; none for a folded line, a space before the colon, a control
// character.
std::optional<std::pair<std::string, std::string>> ParseHeaderLine(std::string_view line);

struct HttpTarget {
  std::string path;  // percent-decoded; UTF-8 without control characters
  std::string query;
};
// "/a%20b?c", or "http://host/a%20b?c" as a proxy would be asked; none when neither. "*" is itself.
std::optional<HttpTarget> ParseTarget(std::string_view target);

// Digits only; INT64_MAX when the number is larger.
std::optional<int64_t> ParseDecimal(std::string_view text);

// "1aF;name=value" -> 0x1aF; none when the number has no digit or more than 15, or the extension
// holds a control character.
std::optional<int64_t> ParseChunkLine(std::string_view line);

bool EqualsIgnoringCase(std::string_view a, std::string_view lower);
// Whether a comma-separated list such as Connection's holds the word.
bool ListHolds(std::string_view list, std::string_view lower);

}  // namespace weir

#endif  // WEIR_SERVER_TRANSPORT_HTTP_GRAMMAR_H_
