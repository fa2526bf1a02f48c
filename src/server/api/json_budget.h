// SPDX-License-Identifier: Apache-2.0
//
// How many values a JSON text holds, found without building any: a parsed value takes many times
// the bytes of "[]," and a few megabytes of these would take a gigabyte.
#ifndef WEIR_SERVER_API_JSON_BUDGET_H_
#define WEIR_SERVER_API_JSON_BUDGET_H_

#include <cstdint>
#include <string_view>

namespace weir {

// An upper bound for any text, right for valid ones without empty containers.
int64_t CountJsonValues(std::string_view text);

}  // namespace weir

#endif  // WEIR_SERVER_API_JSON_BUDGET_H_
