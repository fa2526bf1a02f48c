// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/printing.h"

#include <charconv>
#include <cmath>

#include "text/jinja/python_text.h"
#include "text/unicode/utf8.h"

namespace weir::jinja {
namespace {

constexpr Origin kUser = Origin::kUser;

// One character of a repr; `quote` is the mark around the text.
void AppendReprChar(uint32_t c, std::string_view bytes, char quote, std::string& out) {
  if (c == static_cast<uint32_t>(quote) || c == '\\') {
    out += '\\';
    out += static_cast<char>(c);
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (IsPythonPrintable(c)) {
    out += bytes;
  } else if (c < 0x100) {
    out += fmt::format("\\x{:02x}", c);
  } else if (c < 0x10000) {
    out += fmt::format("\\u{:04x}", c);
  } else {
    out += fmt::format("\\U{:08x}", c);
  }
}

// Appends `text` with each character changed by `append`, keeping origins.
template <class AppendChar>
void AppendChanged(Runtime& rt, const TypedText& text, TypedText& out, AppendChar&& append) {
  if (!rt.ChargeBytes(text.size())) return;
  const auto append_span = [&](size_t begin, size_t end, Origin origin) {
    std::string changed;
    for (size_t pos = begin; pos < end;) {
      const CodePoint c = ReadCodePoint(text.text.data() + pos);
      append(c.value, std::string_view(text.text).substr(pos, c.num_bytes), changed);
      pos += c.num_bytes;
    }
    out.Append(changed, origin);
  };
  size_t done = 0;
  for (const TextSpan& span : text.user) {
    append_span(done, span.begin, Origin::kTrusted);
    append_span(span.begin, span.end, kUser);
    done = span.end;
  }
  append_span(done, text.size(), Origin::kTrusted);
}

void AppendQuoted(Runtime& rt, const TypedText& text, TypedText& out) {
  const bool has_single = text.text.find('\'') != std::string::npos;
  const bool has_double = text.text.find('"') != std::string::npos;
  const char quote = has_single && !has_double ? '"' : '\'';
  out.Append(std::string_view(&quote, 1), kUser);
  AppendChanged(rt, text, out, [quote](uint32_t c, std::string_view bytes, std::string& to) {
    AppendReprChar(c, bytes, quote, to);
  });
  out.Append(std::string_view(&quote, 1), kUser);
}

// Prints values in each other, which may go too deep.
class ReprPrinter {
 public:
  ReprPrinter(Runtime& rt, TypedText& out) : rt_(rt), out_(out) {}

  void Print(const Value& value) {
    if (!rt_.Charge(1)) return;
    if (++depth_ > kMaxValueDepth) {
      rt_.Fail("value nested deeper than {} levels", kMaxValueDepth);
    } else if (!rt_.MayGrow(out_.size(), 0)) {
      return;
    } else if (value.is_string()) {
      AppendQuoted(rt_, *value.text, out_);
    } else if (value.is_list() && value.list->form <= ListForm::kTuple) {
      PrintList(*value.list);
    } else if (value.is_dict()) {
      PrintDict(*value.dict);
    } else if (value.is_undefined()) {
      out_.Append("Undefined", kUser);
    } else {
      AppendStr(rt_, value, out_);
    }
    --depth_;
  }

 private:
  void PrintList(const List& list) {
    const bool is_tuple = list.form == ListForm::kTuple;
    out_.Append(is_tuple ? "(" : "[", kUser);
    for (size_t i = 0; i < list.items.size() && !rt_.failed(); ++i) {
      if (i > 0) out_.Append(", ", kUser);
      Print(list.items[i]);
    }
    if (is_tuple && list.items.size() == 1) out_.Append(",", kUser);
    out_.Append(is_tuple ? ")" : "]", kUser);
  }

  void PrintDict(const Dict& dict) {
    out_.Append("{", kUser);
    bool first = true;
    for (const auto& [key, value] : dict.entries()) {
      if (rt_.failed()) return;
      if (!first) out_.Append(", ", kUser);
      first = false;
      Print(key);
      out_.Append(": ", kUser);
      Print(value);
    }
    out_.Append("}", kUser);
  }

  Runtime& rt_;
  TypedText& out_;
  int depth_ = 0;
};

}  // namespace

std::string FloatRepr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string_view text(buffer, end.ptr - buffer);
  const size_t e = text.find('e');
  const bool negative = text[0] == '-';
  std::string digits;
  for (const char c : text.substr(0, e)) {
    if (c >= '0' && c <= '9') digits += c;
  }
  int exponent = 0;
  const size_t sign = text[e + 1] == '+' ? e + 2 : e + 1;
  std::from_chars(text.data() + sign, text.data() + text.size(), exponent);
  std::string out = negative ? "-" : "";
  const auto num_digits = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    out += digits[0];
    if (num_digits > 1) out += "." + digits.substr(1);
    return out + fmt::format("e{}{:02}", exponent < 0 ? '-' : '+', std::abs(exponent));
  }
  if (exponent < 0) return out + "0." + std::string(-exponent - 1, '0') + digits;
  if (num_digits <= exponent + 1) {
    return out + digits + std::string(exponent + 1 - num_digits, '0') + ".0";
  }
  return out + digits.substr(0, exponent + 1) + "." + digits.substr(exponent + 1);
}

void AppendStr(Runtime& rt, const Value& value, TypedText& out) {
  switch (value.kind) {
    case Kind::kUndefined:
      return;
    case Kind::kNone:
      out.Append("None", value.origin);
      return;
    case Kind::kBool:
      out.Append(value.boolean ? "True" : "False", value.origin);
      return;
    case Kind::kInt:
      out.Append(std::to_string(value.integer), value.origin);
      return;
    case Kind::kFloat:
      out.Append(FloatRepr(value.real), value.origin);
      return;
    case Kind::kString:
      if (rt.MayGrow(out.size(), value.text->size())) out.Append(*value.text);
      return;
    case Kind::kList:
      if (value.list->form > ListForm::kTuple) break;
      ReprPrinter(rt, out).Print(value);
      return;
    case Kind::kDict:
      ReprPrinter(rt, out).Print(value);
      return;
    default:
      break;
  }
  rt.Fail("a {} cannot be printed", TypeName(value));
}

const TypedText* ToText(Runtime& rt, const Value& value) {
  if (value.is_string()) return value.text;
  TypedText text;
  AppendStr(rt, value, text);
  const Value made = rt.MakeText(std::move(text));
  return made.is_string() ? made.text : nullptr;
}

void AppendRepr(Runtime& rt, const Value& value, TypedText& out) {
  ReprPrinter(rt, out).Print(value);
}

}  // namespace weir::jinja
