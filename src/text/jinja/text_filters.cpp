// SPDX-License-Identifier: Apache-2.0
//
// Filters that give text. As in Jinja, what is no string is printed first.
#include <algorithm>

#include "text/jinja/builtins.h"
#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/text_ops.h"

namespace weir::jinja {
namespace {

Value String(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  return text == nullptr ? Value() : TextValue(text);
}

Value Safe(const Call& call) { return String(call); }

Value Trim(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  const TypedText* chars = call.TextOrNull(0);
  return text == nullptr ? Value() : Strip(call.rt, *text, chars, Side::kBoth);
}

template <LetterCase kCase>
Value InCase(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  return text == nullptr ? Value() : ToCase(call.rt, *text, kCase);
}

Value CapitalizeFilter(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  return text == nullptr ? Value() : Capitalize(call.rt, *text);
}

Value TitleFilter(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  return text == nullptr ? Value() : Title(call.rt, *text, /*after_marks=*/false);
}

Value ReplaceFilter(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  const TypedText* from = ToText(call.rt, *call.arg[0]);
  const TypedText* to = ToText(call.rt, *call.arg[1]);
  const int64_t max_count = call.IntOr(2, -1);
  if (call.rt.failed()) return {};
  return Replace(call.rt, *text, *from, *to, max_count);
}

Value Escape(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  if (text == nullptr || !call.rt.Charge(static_cast<int64_t>(text->size() / 8))) return {};
  TypedText out;
  for (size_t i = 0; i < text->size(); ++i) {
    const char c = text->text[i];
    const std::string_view name = c == '&'    ? "&amp;"
                                  : c == '<'  ? "&lt;"
                                  : c == '>'  ? "&gt;"
                                  : c == '"'  ? "&#34;"
                                  : c == '\'' ? "&#39;"
                                              : std::string_view(&c, 1);
    out.Append(name, text->OriginOf(i, i + 1));
  }
  return call.rt.MakeText(std::move(out));
}

Value Format(const Call& call) {
  const TypedText* text = ToText(call.rt, call.self);
  if (text == nullptr) return {};
  if (!call.keywords.empty()) return call.rt.Fail("format: arguments with names are not supported");
  return FormatPercent(call.rt, *text, call.positional);
}

// The lines of `text`, at \n, with `indent` before all but the first, and before empty ones where
// `blank`.
Value Indent(const Call& call) {
  if (!call.self.is_string()) return call.rt.Fail("indent of a {}", TypeName(call.self));
  const TypedText* text = call.self.text;
  TypedText indent;
  if (call.Has(0) && call.arg[0]->is_string()) {
    indent = *call.arg[0]->text;
  } else {
    const int64_t width = std::max<int64_t>(0, call.IntOr(0, 4));
    if (!call.rt.MayMake(static_cast<size_t>(width))) return {};
    indent = TypedText(std::string(static_cast<size_t>(width), ' '), Origin::kTrusted);
  }
  const bool first = call.TrueOr(1, false);
  const bool blank = call.TrueOr(2, false);
  TypedText out;
  if (first) out.Append(indent);
  for (size_t begin = 0; begin <= text->size();) {
    const size_t found = text->text.find('\n', begin);
    const size_t end = found == std::string::npos ? text->size() : found;
    if (!call.rt.MayGrow(out.size(), end - begin + 1 + indent.size())) return {};
    if (begin > 0 && (blank || end > begin)) out.Append(indent);
    out.Append(*text, begin, std::min(end + 1, text->size()));
    begin = end + 1;
  }
  return call.rt.MakeText(std::move(out));
}

bool ReadSeparators(const Call& call, JsonStyle& style) {
  if (!call.Has(2) || call.arg[2]->is_none()) return true;
  const Value& pair = *call.arg[2];
  if (!pair.is_list() || pair.list->items.size() != 2 || !pair.list->items[0].is_string() ||
      !pair.list->items[1].is_string()) {
    call.rt.Fail("tojson: separators wants two strings");
    return false;
  }
  style.item_separator = pair.list->items[0].text->text;
  style.key_separator = pair.list->items[1].text->text;
  return true;
}

// As Hugging Face has it: json.dumps with ensure_ascii off.
Value ToJson(const Call& call) {
  JsonStyle style = {.ensure_ascii = call.TrueOr(0, false), .sort_keys = call.TrueOr(3, false)};
  if (call.Has(1) && !call.arg[1]->is_none()) {
    style.indent = static_cast<int>(std::clamp<int64_t>(call.IntOr(1, 0), 0, 1000));
    style.item_separator.resize(1);  // without the space
  }
  if (!ReadSeparators(call, style)) return {};
  TypedText out;
  AppendJson(call.rt, call.self, style, out);
  return call.rt.MakeText(std::move(out));
}

constexpr Builtin kTextFilters[] = {
    {"capitalize", CapitalizeFilter},
    {"e", Escape},
    {"escape", Escape},
    {"format", Format, {}, 0, /*variadic=*/true},
    {"indent", Indent, {"width", "first", "blank"}},
    {"lower", InCase<LetterCase::kLower>},
    {"replace", ReplaceFilter, {"old", "new", "count"}, 2},
    {"safe", Safe},
    {"string", String},
    {"title", TitleFilter},
    {"tojson", ToJson, {"ensure_ascii", "indent", "separators", "sort_keys"}},
    {"trim", Trim, {"chars"}},
    {"upper", InCase<LetterCase::kUpper>},
};

}  // namespace

std::span<const Builtin> TextFilters() { return kTextFilters; }

}  // namespace weir::jinja
