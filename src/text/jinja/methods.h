// SPDX-License-Identifier: Apache-2.0
//
// Methods of strings, dicts, lists and `loop`. None changes what it is called on.
#ifndef WEIR_TEXT_JINJA_METHODS_H_
#define WEIR_TEXT_JINJA_METHODS_H_

#include <string_view>

#include "text/jinja/runtime.h"

namespace weir::jinja {

// Null when the object has no such method.
const Builtin* FindMethod(const Value& object, std::string_view name);

// Whether Python has the method but the sandbox of Hugging Face forbids it, as it changes the
// object. Such a name hides an element of the same name.
bool IsForbiddenMethod(const Value& object, std::string_view name);

// (key, value) tuples.
Value DictItems(Runtime& rt, const Dict& dict, ListForm form);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_METHODS_H_
