// SPDX-License-Identifier: Apache-2.0
//
// What the tokenizer must know about code points. The tables are written by
// tools/unicode_tables/make_unicode_tables.py and follow Hugging Face tokenizers exactly:
// letters, numbers and white space of Unicode 16.0, normalisation data of Unicode 9.0.
#ifndef WEIR_TEXT_UNICODE_UNICODE_TABLES_H_
#define WEIR_TEXT_UNICODE_UNICODE_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir {

enum class CharClass : uint8_t {
  kOther = 0,
  kLetter = 1,  // \p{L}
  kNumber = 2,  // \p{N}
  kSpace = 3,   // \s
  kNone = 4,    // not a character: the text has ended
};

// Bits of a code point's entry beside its CharClass.
inline constexpr uint8_t kClassMask = 3;
inline constexpr uint8_t kNfcUnsure = 4;   // not NFC by itself, or may join what stands before it
inline constexpr uint8_t kNonStarter = 8;  // canonical combining class other than 0

inline constexpr int kBlockBits = 7;
inline constexpr size_t kBlockLen = size_t{1} << kBlockBits;
extern const uint8_t kBlockOf[0x110000 >> kBlockBits];  // block of code points -> row below
extern const char kCharEntries[][kBlockLen + 1];        // '@' plus the bits

// Requires: code_point < 0x110000.
inline uint8_t CharEntry(uint32_t code_point) {
  return static_cast<uint8_t>(
      kCharEntries[kBlockOf[code_point >> kBlockBits]][code_point & (kBlockLen - 1)]);
}

inline CharClass ClassOf(uint32_t code_point) {
  return static_cast<CharClass>(CharEntry(code_point) & kClassMask);
}

// Code points [first, last] have the canonical combining class `ccc`. Sorted.
struct CombiningRange {
  uint32_t first;
  uint32_t last;
  uint8_t ccc;
};
std::span<const CombiningRange> CombiningRanges();

// `code_point` decomposes fully to DecompositionTexts()[begin, begin + len). Sorted; without
// Hangul.
struct Decomposition {
  uint32_t code_point;
  uint16_t begin;
  uint16_t len;
};
std::span<const Decomposition> Decompositions();
std::span<const uint32_t> DecompositionTexts();

// The primary composite of `first` followed by `second`. Sorted by both; without Hangul.
struct Composition {
  uint32_t first;
  uint32_t second;
  uint32_t composed;
};
std::span<const Composition> Compositions();

}  // namespace weir

#endif  // WEIR_TEXT_UNICODE_UNICODE_TABLES_H_
