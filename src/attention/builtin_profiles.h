// SPDX-License-Identifier: Apache-2.0
//
// The files of src/attention/profiles as text inside the program. The build writes the definition.
#ifndef WEIR_ATTENTION_BUILTIN_PROFILES_H_
#define WEIR_ATTENTION_BUILTIN_PROFILES_H_

#include <span>
#include <string_view>

namespace weir {

struct BuiltinProfileText {
  std::string_view name;  // of the file, without its ending
  std::string_view json;
};

std::span<const BuiltinProfileText> BuiltinProfileTexts();  // ascending by name

}  // namespace weir

#endif  // WEIR_ATTENTION_BUILTIN_PROFILES_H_
