// SPDX-License-Identifier: Apache-2.0
//
// Numbers and strings as templates spell them.
#ifndef WEIR_TEXT_JINJA_LITERALS_H_
#define WEIR_TEXT_JINJA_LITERALS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir::jinja {

struct NumberLiteral {
  size_t num_bytes = 0;  // that belong to it
  bool is_float = false;
  int64_t int_value = 0;
  double float_value = 0;
  std::string problem;  // empty when all is well
};

// Decimal, 0x, 0o, 0b, with "_" between digits; 1.5, 1e9. Requires: `text` begins with a digit.
NumberLiteral ReadNumber(std::string_view text);

// Appends what `inside`, the text between the quotes, means by Python's rules: an escape that it
// does not know stands for itself. Returns the problem, empty when all is well.
std::string Unescape(std::string_view inside, std::string& out);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_LITERALS_H_
