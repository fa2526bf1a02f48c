// SPDX-License-Identifier: Apache-2.0
//
// What Python's str knows of characters: white space, positions counted in characters.
#ifndef WEIR_TEXT_JINJA_PYTHON_TEXT_H_
#define WEIR_TEXT_JINJA_PYTHON_TEXT_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::jinja {

enum class LetterCase : uint8_t { kUpper, kLower, kTitle };

// Requires everywhere: text is UTF-8.

bool IsPythonSpace(uint32_t code_point);

// str.isprintable: what repr shows as it is.
bool IsPythonPrintable(uint32_t code_point);

// Whether upper and lower case of it differ.
bool IsPythonCased(uint32_t code_point);

// Appends the character in that case. A capital sigma is never taken for the last of a word.
void AppendCased(uint32_t code_point, LetterCase letter_case, std::string& out);

// Bytes of white space at either end.
size_t LeadingSpaces(std::string_view text);
size_t TrailingSpaces(std::string_view text);

// Bytes of the last character. Requires: text is not empty.
size_t LastCharBytes(std::string_view text);

size_t NumChars(std::string_view text);

// The byte at which character `index` begins; text.size() when there are not so many.
size_t ByteOfChar(std::string_view text, size_t index);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_PYTHON_TEXT_H_
