// SPDX-License-Identifier: Apache-2.0
//
// Python's operators on values, and access to what values hold.
#ifndef WEIR_TEXT_JINJA_OPERATORS_H_
#define WEIR_TEXT_JINJA_OPERATORS_H_

#include <string>

#include "text/jinja/ast.h"
#include "text/jinja/runtime.h"

namespace weir::jinja {

bool Equal(Runtime& rt, const Value& a, const Value& b);
// a < b; fails for what Python cannot order.
bool Less(Runtime& rt, const Value& a, const Value& b);
bool Contains(Runtime& rt, const Value& container, const Value& item);
bool Compare(Runtime& rt, Op op, const Value& a, const Value& b);

Value Arithmetic(Runtime& rt, Op op, const Value& a, const Value& b);
Value Negate(Runtime& rt, const Value& value);

// printf-style formatting, the % of strings: %s, %r, %d, %i and %%.
Value FormatPercent(Runtime& rt, const TypedText& format, std::span<const Value> values);

// object.name: a method first, then an element of that name; undefined when there is neither.
Value GetAttribute(Runtime& rt, const Value& object, const std::string& name);
// object[key]: the other way round.
Value GetItem(Runtime& rt, const Value& object, const Value& key);
Value GetSlice(Runtime& rt, const Value& object, const Value* begin, const Value* end,
               const Value* step);

// What a loop over `value` sees: elements, keys of a dict, characters of a string, nothing of
// undefined. Null after a failure.
const List* Iterate(Runtime& rt, const Value& value);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_OPERATORS_H_
