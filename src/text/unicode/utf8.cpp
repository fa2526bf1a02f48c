// SPDX-License-Identifier: Apache-2.0
#include "text/unicode/utf8.h"

#include <cstring>

namespace weir {

Utf8Unit ReadUtf8(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {1, Utf8Kind::kWhole};
  // The second byte has a narrower range after some leads: no overlong forms, no surrogates,
  // nothing above U+10FFFF.
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  int num_bytes = 0;
  if (lead >= 0xC2 && lead <= 0xDF) {
    num_bytes = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    num_bytes = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    num_bytes = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return {1, Utf8Kind::kBroken};
  }
  for (int i = 1; i < num_bytes; ++i) {
    if (static_cast<size_t>(i) >= text.size()) return {i, Utf8Kind::kCut};
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < low || byte > high) return {i, Utf8Kind::kBroken};
    low = 0x80;
    high = 0xBF;
  }
  return {num_bytes, Utf8Kind::kWhole};
}

size_t SkipAscii(std::string_view text, size_t begin) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  uint64_t word;
  while (begin + sizeof(word) <= text.size()) {
    std::memcpy(&word, text.data() + begin, sizeof(word));
    if ((word & kHighBits) != 0) break;
    begin += sizeof(word);
  }
  while (begin < text.size() && static_cast<unsigned char>(text[begin]) < 0x80) ++begin;
  return begin;
}

bool IsUtf8(std::string_view text) {
  size_t pos = SkipAscii(text, 0);
  while (pos < text.size()) {
    const Utf8Unit unit = ReadUtf8(text.substr(pos));
    if (unit.kind != Utf8Kind::kWhole) return false;
    pos += unit.num_bytes;
    if (pos < text.size() && static_cast<unsigned char>(text[pos]) < 0x80) {
      pos = SkipAscii(text, pos);
    }
  }
  return true;
}

size_t AppendRepaired(std::string_view bytes, std::string& out) {
  size_t pos = 0;
  while (pos < bytes.size()) {
    const Utf8Unit unit = ReadUtf8(bytes.substr(pos));
    if (unit.kind == Utf8Kind::kCut) return pos;
    out += unit.kind == Utf8Kind::kWhole ? bytes.substr(pos, unit.num_bytes) : kReplacement;
    pos += unit.num_bytes;
  }
  return pos;
}

std::string Repaired(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  if (AppendRepaired(bytes, out) < bytes.size()) out += kReplacement;
  return out;
}

void AppendUtf8(uint32_t code_point, std::string& out) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (code_point < 0x80) return put(code_point);
  if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xE0 | code_point >> 12);
    } else {
      put(0xF0 | code_point >> 18);
      put(0x80 | (code_point >> 12 & 0x3F));
    }
    put(0x80 | (code_point >> 6 & 0x3F));
  }
  put(0x80 | (code_point & 0x3F));
}

}  // namespace weir
