// SPDX-License-Identifier: Apache-2.0
#include "server/api/field_reader.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace weir {
namespace {

constexpr size_t kMaxQuotedBytes = 60;

bool IsHarmless(const Json& value, std::string_view harmless) {
  const Json values = Json::parse(harmless, nullptr, /*allow_exceptions=*/false);
  return std::find(values.begin(), values.end(), value) != values.end();
}

std::string Range(const FieldSpec& spec, double high) {
  return fmt::format(
      "{} {:.0f}{} {}", spec.above_low ? "above" : "from", spec.low,
      spec.above_low ? " and at most" : " to",
      spec.kind == FieldKind::kInt ? fmt::format("{:.0f}", high) : fmt::format("{}", high));
}

}  // namespace

std::string ShortJson(const Json& value) {
  if (value.is_object()) return "an object";
  if (value.is_array()) return "an array";
  std::string text = DumpJson(value);
  if (text.size() <= kMaxQuotedBytes) return text;
  size_t end = kMaxQuotedBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

std::optional<int64_t> IntOf(const Json& value) {
  if (value.is_number_unsigned()) {
    const auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer()) return value.get<int64_t>();
  if (!value.is_number_float()) return std::nullopt;
  const double number = value.get<double>();
  constexpr double kExact = 9007199254740992.0;  // 2^53: beyond it doubles skip integers
  if (!(std::abs(number) < kExact) || number != std::trunc(number)) return std::nullopt;
  return static_cast<int64_t>(number);
}

ApiResult<Json> ParseBody(std::string_view text) {
  Result<Json> json = ParseJson(text, "request body", Code::kInvalidRequest);
  if (!json) return tl::unexpected(ApiError{.status = 400, .message = json.error().message});
  if (!json->is_object()) {
    return tl::unexpected(ApiError{
        .status = 400,
        .message = fmt::format("request body: {}, wanted a JSON object", ShortJson(*json))});
  }
  return std::move(*json);
}

FieldReader::FieldReader(const Json& object, Body body) : object_(&object), body_(body) {
  for (const auto& [name, value] : object.items()) {
    const FieldSpec* spec = FindFieldSpec(name, body);
    if (spec == nullptr) {
      ++num_unknown_;
    } else if (spec->kind == FieldKind::kRefused && !value.is_null() &&
               !IsHarmless(value, spec->shape)) {
      Fail(name, fmt::format("{}, which is not supported; leave the field out", ShortJson(value)));
    }
  }
}

const FieldSpec& FieldReader::Spec(std::string_view name) const {
  const FieldSpec* spec = FindFieldSpec(name, body_);
  WEIR_CHECK(spec != nullptr);  // code that reads a field that the table lacks
  return *spec;
}

void FieldReader::Fail(ApiError error) {
  if (!error_) error_ = std::move(error);
}

void FieldReader::Fail(std::string_view param, std::string_view problem) {
  Fail(BadField(std::string(param), fmt::format("{}: {}", param, problem)));
}

const Json* FieldReader::Find(std::string_view name) {
  Spec(name);
  if (!ok()) return nullptr;
  const auto found = object_->find(name);
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::optional<bool> FieldReader::Bool(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_boolean()) return value->get<bool>();
  Fail(name, fmt::format("{}, wanted true or false", ShortJson(*value)));
  return std::nullopt;
}

std::optional<int64_t> FieldReader::Int(std::string_view name, int64_t at_most) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const FieldSpec& spec = Spec(name);
  const std::optional<int64_t> number = IntOf(*value);
  // A limit of 2^63 as double is no int64: numbers that IntOf takes are below it anyhow.
  const double high = std::min(spec.high, static_cast<double>(at_most));
  if (number && static_cast<double>(*number) >= spec.low && static_cast<double>(*number) <= high) {
    return number;
  }
  Fail(name, fmt::format("{}, wanted an integer {}", ShortJson(*value), Range(spec, high)));
  return std::nullopt;
}

std::optional<float> FieldReader::Number(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const FieldSpec& spec = Spec(name);
  const double number =
      value->is_number() ? value->get<double>() : std::numeric_limits<double>::quiet_NaN();
  const bool above = spec.above_low ? number > spec.low : number >= spec.low;
  // As float it may not have become the limit that the number itself keeps: 1e-300 is not above 0.
  const auto result = static_cast<float>(number);
  if (above && number <= spec.high && !(spec.above_low && result <= static_cast<float>(spec.low))) {
    return result;
  }
  Fail(name, fmt::format("{}, wanted a number {}", ShortJson(*value), Range(spec, spec.high)));
  return std::nullopt;
}

std::optional<std::string> FieldReader::String(std::string_view name) {
  const Json* value = Find(name);
  if (value == nullptr) return std::nullopt;
  const FieldSpec& spec = Spec(name);
  if (value->is_string()) {
    const auto& text = value->get_ref<const std::string&>();
    const auto size = static_cast<double>(text.size());
    if (size >= spec.low && size <= spec.high) return text;
    Fail(name, fmt::format("{} bytes, wanted {}", text.size(), Range(spec, spec.high)));
  } else {
    Fail(name, fmt::format("{}, wanted a string", ShortJson(*value)));
  }
  return std::nullopt;
}

}  // namespace weir
