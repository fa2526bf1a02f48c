// SPDX-License-Identifier: Apache-2.0
#include "text/byte_level.h"

#include <array>
#include <cstdint>

#include "text/unicode/utf8.h"

namespace weir {
namespace {

constexpr bool StandsForItself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

constexpr int kNumShifted = 68;

constexpr std::array<uint8_t, kNumShifted> kShifted = [] {
  std::array<uint8_t, kNumShifted> bytes{};
  int n = 0;
  for (int byte = 0; byte < 256; ++byte) {
    if (!StandsForItself(byte)) bytes[n++] = static_cast<uint8_t>(byte);
  }
  return bytes;
}();

}  // namespace

std::optional<std::string> FromByteLevel(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  for (size_t pos = 0; pos < text.size();) {
    const CodePoint c = ReadCodePoint(text.data() + pos);
    pos += c.num_bytes;
    if (c.value < 0x100 && StandsForItself(static_cast<int>(c.value))) {
      bytes += static_cast<char>(c.value);
    } else if (c.value >= 0x100 && c.value < 0x100 + kNumShifted) {
      bytes += static_cast<char>(kShifted[c.value - 0x100]);
    } else {
      return std::nullopt;
    }
  }
  return bytes;
}

std::string ToByteLevel(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    uint32_t code_point = static_cast<unsigned char>(byte);
    for (int i = 0; i < kNumShifted; ++i) {
      if (kShifted[i] == static_cast<unsigned char>(byte)) code_point = 0x100 + i;
    }
    AppendUtf8(code_point, text);
  }
  return text;
}

}  // namespace weir
