// SPDX-License-Identifier: Apache-2.0
//
// Reads the fields of one request body by the table of field_specs.h. The first wrong field is
// remembered and ends the reading: from then on every field reads as absent, and status() tells.
#ifndef WEIR_SERVER_API_FIELD_READER_H_
#define WEIR_SERVER_API_FIELD_READER_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "server/api/api_error.h"
#include "server/api/field_specs.h"

namespace weir {

// Parses a body. Only an object passes.
ApiResult<Json> ParseBody(std::string_view text);

class FieldReader {
 public:
  // `object` must outlive the reader and be an object. Fields that are refused are looked at here.
  FieldReader(const Json& object, Body body);

  // Nothing when absent or null. `at_most` lowers the table's upper limit.
  std::optional<bool> Bool(std::string_view name);
  std::optional<int64_t> Int(std::string_view name,
                             int64_t at_most = std::numeric_limits<int64_t>::max());
  std::optional<float> Number(std::string_view name);
  std::optional<std::string> String(std::string_view name);

  // The value of any kind of field; null when absent, null, or after an error.
  const Json* Find(std::string_view name);

  void Fail(ApiError error);
  void Fail(std::string_view param, std::string_view problem);

  bool ok() const { return !error_; }
  // Requires: !ok().
  const ApiError& error() const { return *error_; }
  int num_unknown() const { return num_unknown_; }

 private:
  const FieldSpec& Spec(std::string_view name) const;

  const Json* object_;
  Body body_;
  std::optional<ApiError> error_;
  int num_unknown_ = 0;
};

// An integer, also when written as 5.0. Nothing when it is none, or not of 64 bits.
std::optional<int64_t> IntOf(const Json& value);

// For messages: short, and never the whole of what a client sent.
std::string ShortJson(const Json& value);

}  // namespace weir

#endif  // WEIR_SERVER_API_FIELD_READER_H_
