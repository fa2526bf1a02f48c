// SPDX-License-Identifier: Apache-2.0
#include "loader/json_fields.h"

#include <limits>

namespace weir {
namespace {

constexpr size_t kMaxShownBytes = 120;

// None for all but whole numbers that int64 can hold: one above would be read as a negative one.
std::optional<int64_t> AsInt64(const Json& value) {
  if (!value.is_number_integer()) return std::nullopt;
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  if (value.is_number_unsigned() && value.get<uint64_t>() > kMax) return std::nullopt;
  return value.get<int64_t>();
}

template <class T>
Result<T> OrMissing(const JsonFields& fields, const char* name, Result<std::optional<T>> value) {
  if (!value) return tl::unexpected(value.error());
  if (!value->has_value()) return fields.Missing(name);
  return std::move(**value);
}

}  // namespace

std::string Shown(const Json& value) {
  // A container is named, not printed: it may hold megabytes.
  if (value.is_object()) return fmt::format("an object of {} fields", value.size());
  if (value.is_array()) return fmt::format("a list of {} values", value.size());
  if (value.is_string()) return Quoted(value.get_ref<const std::string&>());
  return DumpJson(value);
}

std::string NulProblem(std::string_view text) {
  const size_t nul = text.find('\0');
  return nul == std::string_view::npos ? "" : fmt::format("not JSON at byte {}: a NUL byte", nul);
}

std::string ParserProblem(size_t position, std::string_view what) {
  for (const std::string_view quote : {"; last read: '", "parsing '"}) {
    what = what.substr(0, what.find(quote));
  }
  return fmt::format("not JSON at byte {}: {}", position, what.substr(0, kMaxShownBytes));
}

std::string Quoted(std::string_view name) {
  const bool cut = name.size() > kMaxShownBytes;
  if (cut) name = name.substr(0, kMaxShownBytes);
  return DumpJson(Json(std::string(name))) + (cut ? "..." : "");
}

Result<JsonFields> JsonFields::Open(const Json& value, std::string where) {
  if (!value.is_object()) {
    return Err(Code::kInvalidModel, where, ": ", Shown(value), " found, wanted a JSON object");
  }
  return JsonFields(value, std::move(where));
}

const Json* JsonFields::Find(const char* name) const {
  const auto it = object_.find(name);
  return it == object_.end() || it->is_null() ? nullptr : &*it;
}

tl::unexpected<Error> JsonFields::Wrong(const char* name, std::string_view wanted) const {
  const Json* value = Find(name);
  return Err(Code::kInvalidModel, where_, ": ", name, " is ",
             value != nullptr ? Shown(*value) : "absent", ", wanted ", wanted);
}

tl::unexpected<Error> JsonFields::Missing(const char* name) const {
  return Err(Code::kInvalidModel, where_, ": ", name, " is missing");
}

Result<std::optional<int64_t>> JsonFields::Int(const char* name, int64_t min, int64_t max) const {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const std::optional<int64_t> number = AsInt64(*value);
  if (!number || *number < min || *number > max) {
    return Wrong(name, fmt::format("an integer in [{}, {}]", min, max));
  }
  return number;
}

Result<std::optional<double>> JsonFields::Number(const char* name, double min, double max) const {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const auto wanted = [&] { return fmt::format("a number in [{}, {}]", min, max); };
  if (!value->is_number()) return Wrong(name, wanted());
  const double number = value->get<double>();
  if (!(number >= min && number <= max)) return Wrong(name, wanted());
  return number;
}

Result<std::optional<bool>> JsonFields::Bool(const char* name) const {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) return Wrong(name, "true or false");
  return value->get<bool>();
}

Result<std::optional<std::string>> JsonFields::String(const char* name) const {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return Wrong(name, "a string");
  return value->get<std::string>();
}

Result<int32_t> JsonFields::RequiredInt(const char* name, int32_t min, int32_t max) const {
  WEIR_ASSIGN_OR_RETURN(const int64_t number, OrMissing(*this, name, Int(name, min, max)));
  return static_cast<int32_t>(number);
}

Result<double> JsonFields::RequiredNumber(const char* name, double min, double max) const {
  return OrMissing(*this, name, Number(name, min, max));
}

Result<std::string> JsonFields::RequiredString(const char* name) const {
  return OrMissing(*this, name, String(name));
}

Result<std::vector<int32_t>> JsonFields::TokenIds(const char* name) const {
  constexpr int64_t kMax = std::numeric_limits<int32_t>::max();
  const Json* value = Find(name);
  std::vector<int32_t> ids;
  if (value == nullptr) return ids;
  const auto add = [&](const Json& id) {
    const std::optional<int64_t> number = AsInt64(id);
    if (!number || *number < 0 || *number > kMax) return false;
    ids.push_back(static_cast<int32_t>(*number));
    return true;
  };
  if (value->is_array()) {
    for (const Json& id : *value) {
      if (!add(id)) {
        return Err(Code::kInvalidModel, where_, ": ", name, " holds ", Shown(id),
                   ", wanted token ids in [0, ", kMax, "]");
      }
    }
  } else if (!add(*value)) {
    return Wrong(name, "a token id, a list of token ids, or null");
  }
  return ids;
}

}  // namespace weir
