// SPDX-License-Identifier: Apache-2.0
//
// Filters, tests and global functions by name. Null when there is none of that name.
#ifndef WEIR_TEXT_JINJA_BUILTINS_H_
#define WEIR_TEXT_JINJA_BUILTINS_H_

#include <span>
#include <string_view>

#include "text/jinja/runtime.h"

namespace weir::jinja {

const Builtin* FindFilter(std::string_view name);
const Builtin* FindTest(std::string_view name);
const Builtin* FindFunction(std::string_view name);

// The filters, by what they are about. Each table is sorted by name.
std::span<const Builtin> TextFilters();
std::span<const Builtin> ListFilters();
std::span<const Builtin> NumberFilters();

}  // namespace weir::jinja

#endif  // WEIR_TEXT_JINJA_BUILTINS_H_
