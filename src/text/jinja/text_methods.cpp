// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/text_methods.h"

#include "text/jinja/operators.h"
#include "text/jinja/printing.h"
#include "text/jinja/text_ops.h"
#include "text/unicode/utf8.h"

namespace weir::jinja {
namespace {

const TypedText& Self(const Call& call) { return *call.self.text; }

// A required text; an empty one after a failure.
const TypedText& Text(const Call& call, int i) {
  static const TypedText kEmpty;
  if (call.arg[i]->is_string()) return *call.arg[i]->text;
  call.rt.Fail("argument {} is of type {}, wanted string", i + 1, TypeName(*call.arg[i]));
  return kEmpty;
}

// Whether the text has the affix, or one of several in a tuple.
template <class HasAffix>
Value AnyAffix(const Call& call, HasAffix&& has_affix) {
  const Value& affix = *call.arg[0];
  if (affix.is_string()) return Bool(has_affix(affix.text->text));
  if (!affix.is_list() || affix.list->form != ListForm::kTuple) {
    return call.rt.Fail("argument 1 is of type {}, wanted string or tuple", TypeName(affix));
  }
  for (const Value& item : affix.list->items) {
    if (!call.rt.Charge(1)) return {};
    if (!item.is_string()) return call.rt.Fail("argument 1 holds a {}", TypeName(item));
    if (has_affix(item.text->text)) return Bool(true);
  }
  return Bool(false);
}

Value StartsWith(const Call& call) {
  return AnyAffix(call, [&](const std::string& a) { return Self(call).text.starts_with(a); });
}

Value EndsWith(const Call& call) {
  return AnyAffix(call, [&](const std::string& a) { return Self(call).text.ends_with(a); });
}

template <Side kSide>
Value StripMethod(const Call& call) {
  return Strip(call.rt, Self(call), call.TextOrNull(0), kSide);
}

template <LetterCase kCase>
Value CaseMethod(const Call& call) {
  return ToCase(call.rt, Self(call), kCase);
}

Value CapitalizeMethod(const Call& call) { return Capitalize(call.rt, Self(call)); }
Value TitleMethod(const Call& call) { return Title(call.rt, Self(call), /*after_marks=*/true); }

Value ReplaceMethod(const Call& call) {
  const TypedText& from = Text(call, 0);
  const TypedText& to = Text(call, 1);
  const int64_t max_count = call.IntOr(2, -1);
  if (call.rt.failed()) return {};
  return Replace(call.rt, Self(call), from, to, max_count);
}

void AddPart(const Call& call, size_t begin, size_t end, List& parts) {
  parts.items.push_back(call.rt.MakeText(Self(call).Slice(begin, end)));
}

void SplitAtSpaces(const Call& call, int64_t max_splits, List& parts) {
  const std::string_view bytes = Self(call).text;
  size_t pos = LeadingSpaces(bytes);
  while (pos < bytes.size() && !call.rt.failed()) {
    if (max_splits-- == 0) {
      AddPart(call, pos, bytes.size() - TrailingSpaces(bytes), parts);
      return;
    }
    size_t end = pos;
    while (end < bytes.size()) {
      const CodePoint c = ReadCodePoint(bytes.data() + end);
      if (IsPythonSpace(c.value)) break;
      end += c.num_bytes;
    }
    AddPart(call, pos, end, parts);
    pos = end + LeadingSpaces(bytes.substr(end));
  }
}

void SplitAt(const Call& call, std::string_view separator, int64_t max_splits, List& parts) {
  const std::string_view bytes = Self(call).text;
  size_t done = 0;
  for (size_t match = bytes.find(separator);
       match != std::string_view::npos && max_splits-- != 0 && !call.rt.failed();
       match = bytes.find(separator, done)) {
    AddPart(call, done, match, parts);
    done = match + separator.size();
  }
  AddPart(call, done, bytes.size(), parts);
}

Value Split(const Call& call) {
  const TypedText* separator = call.TextOrNull(0);
  const int64_t max_splits = call.IntOr(1, -1);
  if (separator != nullptr && separator->empty()) return call.rt.Fail("split: empty separator");
  if (!call.rt.Charge(1 + static_cast<int64_t>(Self(call).size() / 8))) return {};
  List& parts = call.rt.MakeList();
  if (separator == nullptr) {
    SplitAtSpaces(call, max_splits, parts);
  } else {
    SplitAt(call, separator->text, max_splits, parts);
  }
  return ListValue(&parts);
}

Value RightSplit(const Call& call) {
  const TypedText* separator = call.TextOrNull(0);
  int64_t max_splits = call.IntOr(1, -1);
  if (separator == nullptr) return call.rt.Fail("rsplit wants a separator");
  if (separator->empty()) return call.rt.Fail("rsplit: empty separator");
  if (!call.rt.ChargeBytes(Self(call).size())) return {};
  const std::string_view bytes = Self(call).text;
  std::vector<Value> reversed;
  size_t end = bytes.size();
  while (max_splits-- != 0 && !call.rt.failed()) {
    const size_t match = bytes.substr(0, end).rfind(separator->text);
    if (match == std::string_view::npos) break;
    reversed.push_back(call.rt.MakeText(Self(call).Slice(match + separator->size(), end)));
    end = match;
  }
  reversed.push_back(call.rt.MakeText(Self(call).Slice(0, end)));
  List& parts = call.rt.MakeList();
  parts.items.assign(reversed.rbegin(), reversed.rend());
  return ListValue(&parts);
}

// Python's own list of what ends a line.
size_t LineBreakBytes(std::string_view bytes, size_t pos) {
  const CodePoint c = ReadCodePoint(bytes.data() + pos);
  if (c.value == '\r' && pos + 1 < bytes.size() && bytes[pos + 1] == '\n') return 2;
  const bool breaks = (c.value >= 0xA && c.value <= 0xD) || (c.value >= 0x1C && c.value <= 0x1E) ||
                      c.value == 0x85 || c.value == 0x2028 || c.value == 0x2029;
  return breaks ? c.num_bytes : 0;
}

Value SplitLines(const Call& call) {
  const bool keep_ends = call.TrueOr(0, false);
  if (!call.rt.Charge(1 + static_cast<int64_t>(Self(call).size() / 8))) return {};
  const std::string_view bytes = Self(call).text;
  List& lines = call.rt.MakeList();
  size_t begin = 0;
  for (size_t pos = 0; pos < bytes.size() && !call.rt.failed();) {
    const size_t break_bytes = LineBreakBytes(bytes, pos);
    if (break_bytes == 0) {
      pos += ReadCodePoint(bytes.data() + pos).num_bytes;
      continue;
    }
    AddPart(call, begin, keep_ends ? pos + break_bytes : pos, lines);
    begin = pos += break_bytes;
  }
  if (begin < bytes.size()) AddPart(call, begin, bytes.size(), lines);
  return ListValue(&lines);
}

template <bool kFromRight>
Value Partition(const Call& call) {
  const TypedText& separator = Text(call, 0);
  if (separator.empty()) return call.rt.Fail("partition: empty separator");
  if (!call.rt.ChargeBytes(Self(call).size())) return {};
  const TypedText& text = Self(call);
  const size_t match =
      kFromRight ? text.text.rfind(separator.text) : text.text.find(separator.text);
  List& parts = call.rt.MakeList(ListForm::kTuple);
  if (match == std::string::npos) {
    const Value empty = call.rt.MakeText("");
    parts.items = kFromRight ? std::vector<Value>{empty, empty, call.self}
                             : std::vector<Value>{call.self, empty, empty};
    return ListValue(&parts);
  }
  AddPart(call, 0, match, parts);
  AddPart(call, match, match + separator.size(), parts);
  AddPart(call, match + separator.size(), text.size(), parts);
  return ListValue(&parts);
}

// The position of a text, in characters; -1 when it is not there.
template <bool kFromRight>
int64_t PositionOf(const Call& call) {
  const TypedText& wanted = Text(call, 0);
  if (!call.rt.ChargeBytes(2 * Self(call).size())) return -1;
  const std::string_view bytes = Self(call).text;
  const size_t match = kFromRight ? bytes.rfind(wanted.text) : bytes.find(wanted.text);
  if (match == std::string_view::npos) return -1;
  return static_cast<int64_t>(NumChars(bytes.substr(0, match)));
}

template <bool kFromRight>
Value Find(const Call& call) {
  return Int(PositionOf<kFromRight>(call));
}

template <bool kFromRight>
Value Index(const Call& call) {
  const int64_t position = PositionOf<kFromRight>(call);
  return position < 0 ? call.rt.Fail("index: the text is not there") : Int(position);
}

Value Count(const Call& call) {
  const TypedText& wanted = Text(call, 0);
  if (!call.rt.ChargeBytes(2 * Self(call).size())) return {};
  const std::string_view bytes = Self(call).text;
  if (wanted.empty()) return Int(static_cast<int64_t>(NumChars(bytes)) + 1);
  int64_t count = 0;
  for (size_t match = bytes.find(wanted.text); match != std::string_view::npos;
       match = bytes.find(wanted.text, match + wanted.size())) {
    ++count;
  }
  return Int(count);
}

Value RemovePrefix(const Call& call) {
  const TypedText& prefix = Text(call, 0);
  if (!Self(call).text.starts_with(prefix.text)) return call.self;
  return call.rt.MakeText(Self(call).Slice(prefix.size(), Self(call).size()));
}

Value RemoveSuffix(const Call& call) {
  const TypedText& suffix = Text(call, 0);
  if (!Self(call).text.ends_with(suffix.text)) return call.self;
  return call.rt.MakeText(Self(call).Slice(0, Self(call).size() - suffix.size()));
}

Value IsSpace(const Call& call) {
  const std::string_view bytes = Self(call).text;
  if (!call.rt.ChargeBytes(bytes.size())) return {};
  return Bool(!bytes.empty() && LeadingSpaces(bytes) == bytes.size());
}

template <LetterCase kCase>
Value IsCase(const Call& call) {
  return Bool(IsInCase(call.rt, Self(call), kCase));
}

Value JoinMethod(const Call& call) {
  const List* list = Iterate(call.rt, *call.arg[0]);
  if (list == nullptr) return {};
  TypedText joined;
  for (size_t i = 0; i < list->items.size(); ++i) {
    const Value& item = list->items[i];
    if (!item.is_string()) {
      return call.rt.Fail("join: item {} is of type {}, wanted string", i, TypeName(item));
    }
    if (!call.rt.MayGrow(joined.size(), item.text->size() + Self(call).size())) return {};
    if (i > 0) joined.Append(Self(call));
    joined.Append(*item.text);
  }
  return call.rt.MakeText(std::move(joined));
}

constexpr Builtin kTextMethods[] = {
    {"capitalize", CapitalizeMethod},
    {"count", Count, {"sub"}, 1},
    {"endswith", EndsWith, {"suffix"}, 1},
    {"find", Find<false>, {"sub"}, 1},
    {"index", Index<false>, {"sub"}, 1},
    {"islower", IsCase<LetterCase::kLower>},
    {"isspace", IsSpace},
    {"isupper", IsCase<LetterCase::kUpper>},
    {"join", JoinMethod, {"iterable"}, 1},
    {"lower", CaseMethod<LetterCase::kLower>},
    {"lstrip", StripMethod<Side::kLeft>, {"chars"}},
    {"partition", Partition<false>, {"sep"}, 1},
    {"removeprefix", RemovePrefix, {"prefix"}, 1},
    {"removesuffix", RemoveSuffix, {"suffix"}, 1},
    {"replace", ReplaceMethod, {"old", "new", "count"}, 2},
    {"rfind", Find<true>, {"sub"}, 1},
    {"rindex", Index<true>, {"sub"}, 1},
    {"rpartition", Partition<true>, {"sep"}, 1},
    {"rsplit", RightSplit, {"sep", "maxsplit"}},
    {"rstrip", StripMethod<Side::kRight>, {"chars"}},
    {"split", Split, {"sep", "maxsplit"}},
    {"splitlines", SplitLines, {"keepends"}},
    {"startswith", StartsWith, {"prefix"}, 1},
    {"strip", StripMethod<Side::kBoth>, {"chars"}},
    {"title", TitleMethod},
    {"upper", CaseMethod<LetterCase::kUpper>},
};

}  // namespace

bool IsInCase(Runtime& rt, const TypedText& text, LetterCase letter_case) {
  if (!rt.Charge(1 + static_cast<int64_t>(text.size() / 8))) return false;
  bool any = false;
  std::string cased;
  for (size_t pos = 0; pos < text.size();) {
    const CodePoint c = ReadCodePoint(text.text.data() + pos);
    cased.clear();
    AppendCased(c.value, letter_case, cased);
    if (cased != std::string_view(text.text).substr(pos, c.num_bytes)) return false;
    any = any || IsPythonCased(c.value);
    pos += c.num_bytes;
  }
  return any;
}

std::span<const Builtin> TextMethods() { return kTextMethods; }

}  // namespace weir::jinja
