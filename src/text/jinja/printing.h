// SPDX-License-Identifier: Apache-2.0
//
// Values as text: as Python's str and repr print them, and as json.dumps does. The text keeps the
// origin of what it shows; the marks around strings and elements count as users' text.
#ifndef WEIR_TEXT_JINJA_PRINTING_H_
#define WEIR_TEXT_JINJA_PRINTING_H_

#include <string>
#include <string_view>

#include "text/jinja/runtime.h"

namespace weir::jinja {

// Appends what {{ value }} prints.
void AppendStr(Runtime& rt, const Value& value, TypedText& out);
// As above, without a copy when it is a text already. Null after a failure.
const TypedText* ToText(Runtime& rt, const Value& value);

void AppendRepr(Runtime& rt, const Value& value, TypedText& out);

struct JsonStyle {
  int indent = -1;  // spaces per level; -1: all on one line
  bool ensure_ascii = false;
  bool sort_keys = false;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};
void AppendJson(Runtime& rt, const Value& value, const JsonStyle& style, TypedText& out);

// The shortest spelling that reads back as the same number, laid out by Python's rules.
std::string FloatRepr(double value);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_PRINTING_H_
