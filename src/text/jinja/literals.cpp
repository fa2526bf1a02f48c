// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/literals.h"

#include <charconv>
#include <fmt/format.h>
#include <utility>

#include "text/unicode/utf8.h"

namespace weir::jinja {
namespace {

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 99;
}

// The end of digits of `base` with single underscores between them; `pos` when there is none.
size_t EndOfDigits(std::string_view text, size_t pos, int base) {
  const auto is_digit = [&](size_t i) { return i < text.size() && DigitValue(text[i]) < base; };
  while (is_digit(pos)) {
    ++pos;
    if (pos < text.size() && text[pos] == '_' && is_digit(pos + 1)) ++pos;
  }
  return pos;
}

std::string WithoutUnderscores(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != '_') digits += c;
  }
  return digits;
}

// Where the fraction and the exponent behind `pos` end; `pos` when there is neither.
size_t EndOfFloat(std::string_view text, size_t pos) {
  size_t end = pos;
  if (end < text.size() && text[end] == '.') {
    const size_t fraction = EndOfDigits(text, end + 1, 10);
    if (fraction > end + 1) end = fraction;
  }
  if (end < text.size() && (text[end] == 'e' || text[end] == 'E')) {
    size_t digits = end + 1;
    if (digits < text.size() && (text[digits] == '+' || text[digits] == '-')) ++digits;
    const size_t exponent = EndOfDigits(text, digits, 10);
    if (exponent > digits) end = exponent;
  }
  return end;
}

int BaseOf(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return 10;
  const char mark = static_cast<char>(text[1] | 0x20);
  const int base = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 10;
  return DigitValue(text[2]) < base ? base : 10;
}

// Reads up to `max_digits` digits of `base`, advancing `pos`. -1 when there is none.
int64_t ReadDigits(std::string_view text, size_t& pos, int max_digits, int base) {
  int64_t value = -1;
  for (int i = 0; i < max_digits && pos < text.size() && DigitValue(text[pos]) < base; ++i) {
    value = (value < 0 ? 0 : value) * base + DigitValue(text[pos++]);
  }
  return value;
}

}  // namespace

NumberLiteral ReadNumber(std::string_view text) {
  NumberLiteral number;
  const int base = BaseOf(text);
  const size_t begin = base == 10 ? 0 : 2;
  number.num_bytes = EndOfDigits(text, begin, base);
  const size_t float_end = base == 10 ? EndOfFloat(text, number.num_bytes) : number.num_bytes;
  number.is_float = float_end > number.num_bytes;
  number.num_bytes = float_end;
  const std::string digits = WithoutUnderscores(text.substr(begin, float_end - begin));
  const char* end = digits.data() + digits.size();
  const auto parsed = number.is_float ? std::from_chars(digits.data(), end, number.float_value)
                                      : std::from_chars(digits.data(), end, number.int_value, base);
  if (parsed.ec != std::errc()) {
    number.problem = fmt::format("number {} is out of range", digits.substr(0, 40));
  }
  return number;
}

std::string Unescape(std::string_view inside, std::string& out) {
  constexpr std::string_view kLetters = "abfnrtv\\'\"";
  constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"";
  for (size_t pos = 0; pos < inside.size();) {
    if (inside[pos] != '\\' || pos + 1 == inside.size()) {
      out += inside[pos++];
      continue;
    }
    const char letter = inside[pos + 1];
    const size_t known = kLetters.find(letter);
    if (known != std::string_view::npos) {
      out += kMeanings[known];
      pos += 2;
      continue;
    }
    if (letter == '\n') {  // the line goes on
      pos += 2;
      continue;
    }
    if (letter == 'N') return "escape \\N{...} in a string is not supported";
    const int hex_digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    const size_t begin = pos;
    pos += hex_digits > 0 ? 2 : 1;
    const size_t digits_begin = pos;
    const int64_t value =
        hex_digits > 0 ? ReadDigits(inside, pos, hex_digits, 16) : ReadDigits(inside, pos, 3, 8);
    if (hex_digits > 0 && pos - digits_begin != static_cast<size_t>(hex_digits)) {
      return fmt::format("escape {} in a string wants {} hexadecimal digits",
                         inside.substr(begin, 2), hex_digits);
    }
    if (value < 0) {  // no escape at all
      out += '\\';
      continue;
    }
    if (value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
      return fmt::format("escape {} in a string is no character",
                         inside.substr(begin, pos - begin));
    }
    AppendUtf8(static_cast<uint32_t>(value), out);
  }
  return {};
}

}  // namespace weir::jinja
