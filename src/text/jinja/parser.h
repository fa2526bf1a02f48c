// SPDX-License-Identifier: Apache-2.0
//
// Reads a template into its tree. Left out of Jinja, and refused by name: inheritance, includes and
// imports, recursive loops, call blocks, macros inside of loops or macros, and the unpacking * and
// ** in calls.
#ifndef WEIR_TEXT_JINJA_PARSER_H_
#define WEIR_TEXT_JINJA_PARSER_H_

#include <string_view>

#include <weir/result.h>

#include "text/jinja/ast.h"

namespace weir::jinja {

inline constexpr size_t kMaxTemplateBytes = size_t{4} << 20;
inline constexpr int kMaxNesting = 100;  // of expressions, and of statements, in each other

// `where` begins every message.
Result<Ast> Parse(std::string_view source, std::string_view where);

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_PARSER_H_
