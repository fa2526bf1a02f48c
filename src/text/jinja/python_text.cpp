// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/python_text.h"

#include <algorithm>
#include <span>

#include "text/jinja/python_tables.h"
#include "text/unicode/utf8.h"

namespace weir::jinja {
namespace {

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

const CaseMapping* FindMapping(std::span<const CaseMapping> table, uint32_t code_point) {
  const auto it = std::lower_bound(
      table.begin(), table.end(), code_point,
      [](const CaseMapping& mapping, uint32_t wanted) { return mapping.from < wanted; });
  return it != table.end() && it->from == code_point ? &*it : nullptr;
}

}  // namespace

bool IsPythonPrintable(uint32_t code_point) {
  const auto ranges = PrintableRanges();
  const auto it = std::partition_point(
      ranges.begin(), ranges.end(),
      [code_point](const CodePointRange& range) { return range.last < code_point; });
  return it != ranges.end() && it->first <= code_point;
}

bool IsPythonCased(uint32_t code_point) {
  return FindMapping(UpperMappings(), code_point) != nullptr ||
         FindMapping(LowerMappings(), code_point) != nullptr;
}

void AppendCased(uint32_t code_point, LetterCase letter_case, std::string& out) {
  const CaseMapping* mapping = nullptr;
  if (letter_case == LetterCase::kLower) {
    mapping = FindMapping(LowerMappings(), code_point);
  } else {
    if (letter_case == LetterCase::kTitle) mapping = FindMapping(TitleMappings(), code_point);
    if (mapping == nullptr) mapping = FindMapping(UpperMappings(), code_point);
  }
  if (mapping == nullptr) return AppendUtf8(code_point, out);
  for (const uint32_t to : mapping->to) {
    if (to != 0) AppendUtf8(to, out);
  }
}

bool IsPythonSpace(uint32_t c) {
  if (c < 0x80) return (c >= 0x9 && c <= 0xD) || (c >= 0x1C && c <= 0x20);
  return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
         c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

size_t LeadingSpaces(std::string_view text) {
  size_t pos = 0;
  while (pos < text.size()) {
    const CodePoint c = ReadCodePoint(text.data() + pos);
    if (!IsPythonSpace(c.value)) break;
    pos += c.num_bytes;
  }
  return pos;
}

size_t TrailingSpaces(std::string_view text) {
  size_t left = text.size();
  while (left > 0) {
    const size_t bytes = LastCharBytes(text.substr(0, left));
    if (!IsPythonSpace(ReadCodePoint(text.data() + left - bytes).value)) break;
    left -= bytes;
  }
  return text.size() - left;
}

size_t LastCharBytes(std::string_view text) {
  size_t bytes = 1;
  while (bytes < text.size() && IsContinuation(text[text.size() - bytes])) ++bytes;
  return bytes;
}

size_t NumChars(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += IsContinuation(c) ? 0 : 1;
  return count;
}

size_t ByteOfChar(std::string_view text, size_t index) {
  size_t pos = 0;
  for (; pos < text.size(); ++pos) {
    if (!IsContinuation(text[pos]) && index-- == 0) return pos;
  }
  return pos;
}

}  // namespace weir::jinja
