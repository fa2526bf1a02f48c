// SPDX-License-Identifier: Apache-2.0
#include "server/transport/http_grammar.h"

#include <algorithm>
#include <limits>

namespace weir {
namespace {

bool IsControl(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }
char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

int HexValue(char c) {
  if (IsDigit(c)) return c - '0';
  c = Lower(c);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

std::string_view Trim(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Only what RFC 3986 lets stand in a path or a query, and what browsers and clients leave unescaped
// in them: visible ASCII but '#', which would begin a fragment.
bool IsTargetText(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > 0x20 && c < 0x7F && c != '#' && c != '\\'; });
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = HexValue(text[i + 1]);
    const int low = HexValue(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

// The bytes after the first of a character of that first byte; -1 when none begins so.
int FollowingBytes(unsigned char first) {
  if (first < 0x80) return 0;
  if (first >= 0xC2 && first < 0xE0) return 1;
  if (first >= 0xE0 && first < 0xF0) return 2;
  return first >= 0xF0 && first < 0xF5 ? 3 : -1;
}

}  // namespace

bool IsTokenChar(char c) {
  return IsDigit(c) || (Lower(c) >= 'a' && Lower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool IsToken(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), IsTokenChar);
}

bool IsFieldValue(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c == '\t' || !IsControl(c); });
}

bool IsPathUtf8(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto first = static_cast<unsigned char>(text[i]);
    const int more = FollowingBytes(first);
    if (more < 0 || text.size() - i <= static_cast<size_t>(more)) return false;
    for (int k = 1; k <= more; ++k) {
      const auto c = static_cast<unsigned char>(text[i + k]);
      if ((c & 0xC0) != 0x80) return false;
      // Overlong forms, surrogates and what lies beyond U+10FFFF.
      if (k == 1 && ((first == 0xE0 && c < 0xA0) || (first == 0xED && c >= 0xA0) ||
                     (first == 0xF0 && c < 0x90) || (first == 0xF4 && c >= 0x90))) {
        return false;
      }
    }
    i += more;
  }
  return true;
}

std::optional<std::pair<std::string, std::string>> ParseHeaderLine(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !IsToken(line.substr(0, colon))) return std::nullopt;
  const std::string_view value = Trim(line.substr(colon + 1));
  if (!IsFieldValue(value)) return std::nullopt;
  std::string name(line.substr(0, colon));
  std::transform(name.begin(), name.end(), name.begin(), Lower);
  return std::pair(std::move(name), std::string(value));
}

std::optional<HttpTarget> ParseTarget(std::string_view target) {
  if (target == "*") return HttpTarget{.path = "*"};
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!EqualsIgnoringCase(target.substr(0, scheme.size()), scheme)) continue;
    target.remove_prefix(scheme.size());
    const size_t end = target.find_first_of("/?");
    if (end == 0 || target.empty()) return std::nullopt;  // no host
    if (!IsTargetText(target.substr(0, end))) return std::nullopt;
    target = end == std::string_view::npos ? "/" : target.substr(end);
    break;
  }
  const size_t question = target.find('?');
  const std::string_view path = question == 0 ? "/" : target.substr(0, question);
  if (path.empty() || path[0] != '/' || !IsTargetText(target)) return std::nullopt;
  std::optional<std::string> decoded = PercentDecode(path);
  if (!decoded || !IsPathUtf8(*decoded) ||
      std::any_of(decoded->begin(), decoded->end(), IsControl)) {
    return std::nullopt;
  }
  HttpTarget result{.path = std::move(*decoded)};
  if (question != std::string_view::npos) result.query = target.substr(question + 1);
  return result;
}

std::optional<int64_t> ParseDecimal(std::string_view text) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (text.empty() || !std::all_of(text.begin(), text.end(), IsDigit)) return std::nullopt;
  int64_t value = 0;
  for (const char c : text) {
    if (value > (kMax - 9) / 10) return kMax;
    value = value * 10 + (c - '0');
  }
  return value;
}

std::optional<int64_t> ParseChunkLine(std::string_view line) {
  size_t num_digits = 0;
  int64_t value = 0;
  while (num_digits < line.size() && HexValue(line[num_digits]) >= 0) {
    if (++num_digits > 15) return std::nullopt;
    value = value * 16 + HexValue(line[num_digits - 1]);
  }
  const std::string_view rest = Trim(line.substr(num_digits));
  if (num_digits == 0 || !IsFieldValue(line)) return std::nullopt;
  if (!rest.empty() && rest[0] != ';') return std::nullopt;
  return value;
}

bool EqualsIgnoringCase(std::string_view a, std::string_view lower) {
  return std::equal(a.begin(), a.end(), lower.begin(), lower.end(),
                    [](char x, char y) { return Lower(x) == y; });
}

bool ListHolds(std::string_view list, std::string_view lower) {
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    if (EqualsIgnoringCase(Trim(list.substr(0, comma)), lower)) return true;
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return false;
}

}  // namespace weir
