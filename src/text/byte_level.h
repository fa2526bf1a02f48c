// SPDX-License-Identifier: Apache-2.0
//
// GPT-2's printable alphabet, in which byte-level vocabularies are written: one character per byte.
// Printable bytes of Latin-1 stand for themselves, the other 68 are U+0100 and following.
#ifndef WEIR_TEXT_BYTE_LEVEL_H_
#define WEIR_TEXT_BYTE_LEVEL_H_

#include <optional>
#include <string>
#include <string_view>

namespace weir {

// The bytes that `text` stands for; none when it has a character outside the alphabet.
// Requires: `text` is UTF-8.
std::optional<std::string> FromByteLevel(std::string_view text);

// The inverse, for messages.
std::string ToByteLevel(std::string_view bytes);

}  // namespace weir

#endif  // WEIR_TEXT_BYTE_LEVEL_H_
