// SPDX-License-Identifier: Apache-2.0
//
// Filters that give numbers.
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "text/jinja/builtins.h"
#include "text/jinja/python_text.h"

namespace weir::jinja {
namespace {

Origin OriginOf(const Value& value) {
  return value.is_string() ? value.text->origin() : value.origin;
}

// The text without white space around it and underscores between digits, which Python allows.
std::string Plain(std::string_view text) {
  text.remove_prefix(LeadingSpaces(text));
  text.remove_suffix(TrailingSpaces(text));
  std::string plain;
  const auto is_digit = [&](size_t i) {
    return i < text.size() && std::isxdigit(static_cast<unsigned char>(text[i]));
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '_' && i > 0 && is_digit(i - 1) && is_digit(i + 1)) continue;
    plain += text[i];
  }
  return plain;
}

std::optional<int64_t> ParseInt(std::string_view text, int base) {
  std::string plain = Plain(text);
  if (plain.starts_with('+') && !plain.starts_with("+-")) plain.erase(0, 1);
  int64_t value = 0;
  const char* end = plain.data() + plain.size();
  const auto parsed = std::from_chars(plain.data(), end, value, base);
  if (plain.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

std::optional<double> ParseFloat(std::string_view text) {
  std::string plain = Plain(text);
  if (plain.starts_with('+') && !plain.starts_with("+-")) plain.erase(0, 1);
  double value = 0;
  const char* end = plain.data() + plain.size();
  const auto parsed = std::from_chars(plain.data(), end, value);
  if (plain.empty() || parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return value;
}

Value Truncated(double real, Origin origin, const Value& fallback) {
  if (!(std::abs(real) < 0x1p63)) return fallback;
  return Int(static_cast<int64_t>(real), origin);
}

Value ToInt(const Call& call) {
  const Value fallback = call.Has(0) ? *call.arg[0] : Int(0);
  const int64_t base = call.IntOr(1, 10);
  if (base != 2 && base != 8 && base != 10 && base != 16) {
    return call.rt.Fail("int: base {}, wanted 2, 8, 10 or 16", base);
  }
  if (call.self.is_undefined()) return call.rt.Fail("int of an undefined value");
  const Origin origin = OriginOf(call.self);
  if (call.self.is_integral()) return Int(call.self.AsInt(), origin);
  if (call.self.kind == Kind::kFloat) return Truncated(call.self.real, origin, fallback);
  if (!call.self.is_string()) return fallback;
  if (!call.rt.ChargeBytes(call.self.text->size())) return {};
  const std::string& text = call.self.text->text;
  if (const auto value = ParseInt(text, static_cast<int>(base))) return Int(*value, origin);
  const auto real = ParseFloat(text);
  return real ? Truncated(*real, origin, fallback) : fallback;
}

Value ToFloat(const Call& call) {
  const Value fallback = call.Has(0) ? *call.arg[0] : Float(0);
  if (call.self.is_undefined()) return call.rt.Fail("float of an undefined value");
  const Origin origin = OriginOf(call.self);
  if (call.self.is_number()) return Float(call.self.AsDouble(), origin);
  if (!call.self.is_string() || !call.rt.ChargeBytes(call.self.text->size())) return fallback;
  const auto real = ParseFloat(call.self.text->text);
  return real ? Float(*real, origin) : fallback;
}

Value Abs(const Call& call) {
  if (call.self.kind == Kind::kFloat) return Float(std::abs(call.self.real), call.self.origin);
  if (!call.self.is_integral()) return call.rt.Fail("abs of a {}", TypeName(call.self));
  const int64_t value = call.self.AsInt();
  if (value == INT64_MIN) return call.rt.Fail("an int outside of 64 bits");
  return Int(value < 0 ? -value : value, call.self.origin);
}

// Half to even of the exact value, as Python rounds.
double RoundedTo(double value, int digits) {
  if (digits < 0) {
    const double unit = std::pow(10.0, -digits);
    return std::nearbyint(value / unit) * unit;
  }
  char text[400];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return std::strtod(text, nullptr);
}

Value Round(const Call& call) {
  if (!call.self.is_number()) return call.rt.Fail("round of a {}", TypeName(call.self));
  const int64_t digits = call.IntOr(0, 0);
  if (digits < -30 || digits > 30) return call.rt.Fail("round to {} digits", digits);
  const TypedText* method = call.TextOrNull(1);
  const std::string_view name =
      method == nullptr ? std::string_view("common") : std::string_view(method->text);
  const double value = call.self.AsDouble();
  const Origin origin = call.self.origin;
  if (name == "common") {
    if (call.self.is_integral() && digits >= 0) return Int(call.self.AsInt(), origin);
    return Float(RoundedTo(value, static_cast<int>(digits)), origin);
  }
  const double unit = std::pow(10.0, static_cast<double>(digits));
  // Python goes by way of an int, which knows no negative zero.
  if (name == "ceil") return Float((std::ceil(value * unit) + 0.0) / unit, origin);
  if (name == "floor") return Float((std::floor(value * unit) + 0.0) / unit, origin);
  return call.rt.Fail("round: method {}, wanted common, ceil or floor", name);
}

constexpr Builtin kNumberFilters[] = {
    {"abs", Abs},
    {"float", ToFloat, {"default"}},
    {"int", ToInt, {"default", "base"}},
    {"round", Round, {"precision", "method"}},
};

}  // namespace

std::span<const Builtin> NumberFilters() { return kNumberFilters; }

}  // namespace weir::jinja
