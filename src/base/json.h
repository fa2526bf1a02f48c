// SPDX-License-Identifier: Apache-2.0
//
// JSON as nlohmann's ordered_json, parsed without exceptions and with a depth limit, because a file
// of a million brackets must be an error and not a stack overflow.
#ifndef WEIR_BASE_JSON_H_
#define WEIR_BASE_JSON_H_

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include <weir/result.h>

namespace weir {

using Json = nlohmann::ordered_json;

inline constexpr int kMaxJsonDepth = 64;

// `where` names the source in messages. Duplicate keys of one object, trailing text, invalid UTF-8
// and nesting deeper than kMaxJsonDepth are errors of code kInvalidModel unless `code` says else.
Result<Json> ParseJson(std::string_view text, std::string_view where,
                       Code code = Code::kInvalidModel);

// Reads and parses a file of at most `max_bytes`.
Result<Json> ParseJsonFile(const std::string& path, size_t max_bytes);

// One line; invalid UTF-8 in strings is replaced by U+FFFD.
std::string DumpJson(const Json& value);

}  // namespace weir

#endif  // WEIR_BASE_JSON_H_
