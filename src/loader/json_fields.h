// SPDX-License-Identifier: Apache-2.0
//
// Strict reading of one JSON object's fields: a value of the wrong type or outside its range is an
// error that names the file, the field, what stands there and what was wanted. A field that is
// absent and one that is null are the same, as they are for Hugging Face.
#ifndef WEIR_LOADER_JSON_FIELDS_H_
#define WEIR_LOADER_JSON_FIELDS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "base/error.h"
#include "base/json.h"

namespace weir {

class JsonFields {
 public:
  // Keeps a reference to `object`, which must be a JSON object. `where` starts every message.
  JsonFields(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  // The same, after checking that `value` is an object.
  static Result<JsonFields> Open(const Json& value, std::string where);

  const std::string& where() const { return where_; }
  const Json& object() const { return object_; }

  // Null when the field is absent or null.
  const Json* Find(const char* name) const;

  // Ranges are inclusive.
  Result<std::optional<int64_t>> Int(const char* name, int64_t min, int64_t max) const;
  Result<std::optional<double>> Number(const char* name, double min, double max) const;
  Result<std::optional<bool>> Bool(const char* name) const;
  Result<std::optional<std::string>> String(const char* name) const;

  // The same for fields that must be there.
  Result<int32_t> RequiredInt(const char* name, int32_t min, int32_t max) const;
  Result<double> RequiredNumber(const char* name, double min, double max) const;
  Result<std::string> RequiredString(const char* name) const;

  // One token id or a list of them; empty when absent. Ids lie in [0, 2^31).
  Result<std::vector<int32_t>> TokenIds(const char* name) const;

  // An error that names the field and shows its value.
  tl::unexpected<Error> Wrong(const char* name, std::string_view wanted) const;
  tl::unexpected<Error> Missing(const char* name) const;

 private:
  const Json& object_;
  std::string where_;
};

// Why `text` is no JSON in spite of what the parser would say: it takes a NUL for the end of its
// input and never looks behind it. Empty when there is none.
std::string NulProblem(std::string_view text);

// What the parser says about a byte, without the text that it quotes: that may be megabytes long
// and no UTF-8.
std::string ParserProblem(size_t position, std::string_view what);

// A value as JSON text for a message, cut when it is long.
std::string Shown(const Json& value);
// The same for a name that a file gives: quoted, control characters escaped, cut when it is long.
std::string Quoted(std::string_view name);

}  // namespace weir

#endif  // WEIR_LOADER_JSON_FIELDS_H_
