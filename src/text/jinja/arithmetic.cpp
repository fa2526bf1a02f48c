// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <cmath>

#include "text/jinja/operators.h"
#include "text/jinja/printing.h"

namespace weir::jinja {
namespace {

constexpr std::array<std::string_view, 7> kSpellings = {"+", "-", "*", "/", "//", "%", "**"};

Origin Both(const Value& a, const Value& b) {
  return a.origin == Origin::kUser || b.origin == Origin::kUser ? Origin::kUser : Origin::kTrusted;
}

Value FailTypes(Runtime& rt, Op op, const Value& a, const Value& b) {
  const auto type_of = [](const Value& value) {
    return value.is_undefined() && value.name != nullptr
               ? fmt::format("undefined ({})", *value.name)
               : std::string(TypeName(value));
  };
  return rt.Fail("{} between {} and {} means nothing", kSpellings[static_cast<size_t>(op)],
                 type_of(a), type_of(b));
}

Value FailRange(Runtime& rt) { return rt.Fail("an int outside of 64 bits"); }

Value FloatPower(Runtime& rt, double a, double b, Origin origin) {
  if (a == 0 && b < 0) return rt.Fail("0 to a negative power");
  const double power = std::pow(a, b);
  if (std::isnan(power) && !std::isnan(a) && !std::isnan(b)) {
    return rt.Fail("a negative number to a fractional power");
  }
  if (std::isinf(power) && std::isfinite(a) && std::isfinite(b)) return rt.Fail("power too large");
  return Float(power, origin);
}

Value IntPower(Runtime& rt, int64_t base, int64_t exponent, Origin origin) {
  if (exponent < 0) {
    return FloatPower(rt, static_cast<double>(base), static_cast<double>(exponent), origin);
  }
  int64_t result = 1;
  // Any base beyond 1 leaves the range within 63 rounds.
  if (base >= -1 && base <= 1) exponent = exponent > 1 ? 2 - exponent % 2 : exponent;
  for (; exponent > 0; --exponent) {
    if (__builtin_mul_overflow(result, base, &result)) return FailRange(rt);
  }
  return Int(result, origin);
}

Value IntArithmetic(Runtime& rt, Op op, int64_t a, int64_t b, Origin origin) {
  int64_t result = 0;
  bool overflow = false;
  switch (op) {
    case Op::kAdd:
      overflow = __builtin_add_overflow(a, b, &result);
      break;
    case Op::kSub:
      overflow = __builtin_sub_overflow(a, b, &result);
      break;
    case Op::kMul:
      overflow = __builtin_mul_overflow(a, b, &result);
      break;
    case Op::kPow:
      return IntPower(rt, a, b, origin);
    default: {
      if (b == 0) return rt.Fail("division by zero");
      if (op == Op::kDiv) {
        return Float(static_cast<double>(a) / static_cast<double>(b), origin);
      }
      if (a == INT64_MIN && b == -1) return op == Op::kMod ? Int(0, origin) : FailRange(rt);
      const bool rounds_up = a % b != 0 && (a % b < 0) != (b < 0);
      result = op == Op::kMod ? a % b + (rounds_up ? b : 0) : a / b - (rounds_up ? 1 : 0);
    }
  }
  return overflow ? FailRange(rt) : Int(result, origin);
}

Value FloatArithmetic(Runtime& rt, Op op, double a, double b, Origin origin) {
  switch (op) {
    case Op::kAdd:
      return Float(a + b, origin);
    case Op::kSub:
      return Float(a - b, origin);
    case Op::kMul:
      return Float(a * b, origin);
    case Op::kPow:
      return FloatPower(rt, a, b, origin);
    default:
      break;
  }
  if (b == 0) return rt.Fail("division by zero");
  if (op == Op::kDiv) return Float(a / b, origin);
  // As CPython computes both, so that quotient and remainder fit together.
  double remainder = std::fmod(a, b);
  double quotient = (a - remainder) / b;
  if (remainder != 0 && (remainder < 0) != (b < 0)) {
    remainder += b;
    quotient -= 1;
  } else if (remainder == 0) {
    remainder = std::copysign(0.0, b);
  }
  if (op == Op::kMod) return Float(remainder, origin);
  if (quotient == 0) return Float(std::copysign(0.0, a / b), origin);
  const double floor = std::floor(quotient);
  return Float(quotient - floor > 0.5 ? floor + 1 : floor, origin);
}

Value Repeat(Runtime& rt, const Value& value, int64_t count) {
  if (count < 0) count = 0;
  if (value.is_string()) {
    const TypedText& text = *value.text;
    if (!text.empty() && count > 0) {
      // Divided, because the product may not fit.
      if (count > INT64_MAX / static_cast<int64_t>(text.size())) return FailRange(rt);
      if (!rt.MayMake(text.size() * static_cast<size_t>(count))) return {};
      if (!rt.Charge(static_cast<int64_t>(text.user.size() + 1) * count / 4)) return {};
    }
    TypedText repeated;
    if (!text.empty()) {
      for (int64_t i = 0; i < count; ++i) repeated.Append(text);
    }
    return rt.MakeText(std::move(repeated));
  }
  const auto size = static_cast<int64_t>(value.list->items.size());
  List& repeated = rt.MakeList(value.list->form);
  if (size > 0 && count > INT64_MAX / size) return FailRange(rt);
  if (!rt.Charge(size * count)) return {};
  for (int64_t i = 0; size > 0 && i < count; ++i) {
    repeated.items.insert(repeated.items.end(), value.list->items.begin(), value.list->items.end());
  }
  return ListValue(&repeated);
}

bool IsSequence(const Value& value) {
  return value.is_string() || (value.is_list() && value.list->form <= ListForm::kTuple);
}

Value Concatenate(Runtime& rt, const Value& a, const Value& b) {
  if (a.is_string()) {
    if (!rt.MayMake(a.text->size() + b.text->size())) return {};
    TypedText joined = *a.text;
    joined.Append(*b.text);
    return rt.MakeText(std::move(joined));
  }
  List& joined = rt.MakeList(a.list->form);
  rt.Charge(static_cast<int64_t>(a.list->items.size() + b.list->items.size()));
  if (rt.failed()) return {};
  joined.items = a.list->items;
  joined.items.insert(joined.items.end(), b.list->items.begin(), b.list->items.end());
  return ListValue(&joined);
}

}  // namespace

Value Arithmetic(Runtime& rt, Op op, const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    return a.is_integral() && b.is_integral()
               ? IntArithmetic(rt, op, a.AsInt(), b.AsInt(), Both(a, b))
               : FloatArithmetic(rt, op, a.AsDouble(), b.AsDouble(), Both(a, b));
  }
  if (op == Op::kAdd && IsSequence(a) && a.kind == b.kind &&
      (a.is_string() || a.list->form == b.list->form)) {
    return Concatenate(rt, a, b);
  }
  if (op == Op::kMul && IsSequence(a) && b.is_integral()) return Repeat(rt, a, b.AsInt());
  if (op == Op::kMul && a.is_integral() && IsSequence(b)) return Repeat(rt, b, a.AsInt());
  if (op == Op::kMod && a.is_string()) {
    const bool is_tuple = b.is_list() && b.list->form == ListForm::kTuple;
    return FormatPercent(rt, *a.text, is_tuple ? std::span(b.list->items) : std::span(&b, 1));
  }
  return FailTypes(rt, op, a, b);
}

Value Negate(Runtime& rt, const Value& value) {
  if (value.kind == Kind::kFloat) return Float(-value.real, value.origin);
  if (!value.is_integral()) return rt.Fail("- before a {} means nothing", TypeName(value));
  return IntArithmetic(rt, Op::kSub, 0, value.AsInt(), value.origin);
}

Value FormatPercent(Runtime& rt, const TypedText& format, std::span<const Value> values) {
  TypedText out;
  size_t next = 0;
  size_t done = 0;
  const std::string& text = format.text;
  if (!rt.ChargeBytes(text.size())) return {};
  for (size_t mark = text.find('%'); mark != std::string::npos; mark = text.find('%', done)) {
    if (rt.failed()) return {};
    out.Append(format, done, mark);
    const char letter = mark + 1 < text.size() ? text[mark + 1] : '\0';
    done = mark + 2;
    if (letter == '%') {
      out.Append(format, mark, mark + 1);
      continue;
    }
    if (letter != 's' && letter != 'r' && letter != 'd' && letter != 'i') {
      return rt.Fail("format: only %s, %r, %d, %i and %% are supported");
    }
    if (next == values.size()) return rt.Fail("format: more places than arguments");
    const Value& value = values[next++];
    if (letter == 's') {
      AppendStr(rt, value, out);
    } else if (letter == 'r') {
      AppendRepr(rt, value, out);
    } else if (value.is_integral()) {
      out.Append(std::to_string(value.AsInt()), value.origin);
    } else {
      return rt.Fail("format: %{} got a {}", letter, TypeName(value));
    }
  }
  if (next < values.size() && !(values.size() == 1 && values[0].is_dict())) {
    return rt.Fail("format: more arguments than places");
  }
  out.Append(format, done, format.size());
  return rt.MakeText(std::move(out));
}

}  // namespace weir::jinja
