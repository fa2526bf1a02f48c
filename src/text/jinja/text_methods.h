// SPDX-License-Identifier: Apache-2.0
//
// Methods of strings, by Python's rules.
#ifndef WEIR_TEXT_JINJA_TEXT_METHODS_H_
#define WEIR_TEXT_JINJA_TEXT_METHODS_H_

#include <span>

#include "text/jinja/python_text.h"
#include "text/jinja/runtime.h"

namespace weir::jinja {

std::span<const Builtin> TextMethods();  // sorted by name

// str.islower and str.isupper: whether it has a character with a case, and all are in this one.
bool IsInCase(Runtime& rt, const TypedText& text, LetterCase letter_case);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_TEXT_METHODS_H_
