// SPDX-License-Identifier: Apache-2.0
//
// Reading and repairing UTF-8. What counts as one broken unit is the "maximal subpart" of the
// Unicode standard, so the repaired text equals that of Rust's from_utf8_lossy and of Python's
// errors="replace", which is what Hugging Face tokenizers sees.
#ifndef WEIR_TEXT_UNICODE_UTF8_H_
#define WEIR_TEXT_UNICODE_UTF8_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

enum class Utf8Kind {
  kWhole,   // a well-formed character
  kBroken,  // bytes that no continuation can make well formed
  kCut,     // the text ends inside what may still become a character
};

struct Utf8Unit {
  int num_bytes;
  Utf8Kind kind;
};

// The unit at the start of `text`. Requires: text is not empty.
Utf8Unit ReadUtf8(std::string_view text);

bool IsUtf8(std::string_view text);

// Appends `bytes` to `out` with each broken unit replaced by U+FFFD, up to a cut unit at the end.
// Returns how many bytes were used.
size_t AppendRepaired(std::string_view bytes, std::string& out);

// The whole of `bytes`, a cut unit at the end replaced like a broken one.
std::string Repaired(std::string_view bytes);

void AppendUtf8(uint32_t code_point, std::string& out);

struct CodePoint {
  uint32_t value;
  uint32_t num_bytes;
};

// Requires: `p` stands at a character of well-formed UTF-8.
inline CodePoint ReadCodePoint(const char* p) {
  const auto at = [p](int i) { return static_cast<uint32_t>(static_cast<unsigned char>(p[i])); };
  if (at(0) < 0x80) return {at(0), 1};
  if (at(0) < 0xE0) return {(at(0) & 0x1F) << 6 | (at(1) & 0x3F), 2};
  if (at(0) < 0xF0) return {(at(0) & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F), 3};
  return {(at(0) & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F), 4};
}

// The first position at or after `begin` whose byte is not ASCII; text.size() when there is none.
size_t SkipAscii(std::string_view text, size_t begin);

}  // namespace weir

#endif  // WEIR_TEXT_UNICODE_UTF8_H_
