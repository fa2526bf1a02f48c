// SPDX-License-Identifier: Apache-2.0
//
// What string methods and filters share. All keep the origin of each byte.
#ifndef WEIR_TEXT_JINJA_TEXT_OPS_H_
#define WEIR_TEXT_JINJA_TEXT_OPS_H_

#include "text/jinja/python_text.h"
#include "text/jinja/runtime.h"

namespace weir::jinja {

enum class Side : uint8_t { kLeft, kRight, kBoth };

// Without white space, or without the characters of `chars`, at the ends.
Value Strip(Runtime& rt, const TypedText& text, const TypedText* chars, Side side);

Value ToCase(Runtime& rt, const TypedText& text, LetterCase letter_case);
// The first character in title case, the others in lower case.
Value Capitalize(Runtime& rt, const TypedText& text);
// Python's str.title where `after_marks`; else Jinja's, where only some marks begin a word.
Value Title(Runtime& rt, const TypedText& text, bool after_marks);

// At most `max_count` replacements; below 0: all.
Value Replace(Runtime& rt, const TypedText& text, const TypedText& from, const TypedText& to,
              int64_t max_count);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_TEXT_OPS_H_
