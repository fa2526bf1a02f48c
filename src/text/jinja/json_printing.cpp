// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "text/jinja/printing.h"
#include "text/unicode/utf8.h"

namespace weir::jinja {
namespace {

constexpr Origin kUser = Origin::kUser;

void AppendEscaped(uint32_t c, std::string_view bytes, bool ensure_ascii, std::string& out) {
  constexpr std::string_view kSpecial = "\"\\\n\r\t\f\b";
  constexpr std::string_view kLetters = "\"\\nrtfb";
  const size_t special = c < 0x80 ? kSpecial.find(static_cast<char>(c)) : std::string_view::npos;
  if (special != std::string_view::npos) {
    out += '\\';
    out += kLetters[special];
  } else if (c < 0x20 || (ensure_ascii && c >= 0x7F && c < 0x10000)) {
    // json.dumps leaves DEL alone.
    if (c == 0x7F) {
      out += bytes;
    } else {
      out += fmt::format("\\u{:04x}", c);
    }
  } else if (ensure_ascii && c >= 0x10000) {
    const uint32_t rest = c - 0x10000;
    out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF));
  } else {
    out += bytes;
  }
}

class JsonPrinter {
 public:
  JsonPrinter(Runtime& rt, const JsonStyle& style, TypedText& out)
      : rt_(rt), style_(style), out_(out) {}

  void Print(const Value& value) {
    if (!rt_.Charge(1)) return;
    if (++depth_ > kMaxValueDepth) {
      rt_.Fail("value nested deeper than {} levels", kMaxValueDepth);
      return;
    }
    if (value.is_string()) {
      PrintText(*value.text);
    } else if (value.is_list() &&
               (value.list->form == ListForm::kList || value.list->form == ListForm::kTuple)) {
      PrintList(*value.list);
    } else if (value.is_dict()) {
      PrintDict(*value.dict);
    } else {
      PrintScalar(value);
    }
    --depth_;
  }

 private:
  void PrintScalar(const Value& value) {
    if (value.is_none()) {
      out_.Append("null", value.origin);
    } else if (value.is_bool()) {
      out_.Append(value.boolean ? "true" : "false", value.origin);
    } else if (value.kind == Kind::kFloat && !std::isfinite(value.real)) {
      out_.Append(std::isnan(value.real) ? "NaN"
                  : value.real > 0       ? "Infinity"
                                         : "-Infinity",
                  value.origin);
    } else if (value.is_number()) {
      AppendStr(rt_, value, out_);
    } else {
      rt_.Fail("a {} cannot be written as JSON", TypeName(value));
    }
  }

  void PrintText(const TypedText& text) {
    if (!rt_.MayGrow(out_.size(), text.size())) return;
    out_.Append("\"", kUser);
    const auto append = [&](size_t begin, size_t end, Origin origin) {
      std::string escaped;
      for (size_t pos = begin; pos < end;) {
        const CodePoint c = ReadCodePoint(text.text.data() + pos);
        AppendEscaped(c.value, std::string_view(text.text).substr(pos, c.num_bytes),
                      style_.ensure_ascii, escaped);
        pos += c.num_bytes;
      }
      out_.Append(escaped, origin);
    };
    size_t done = 0;
    for (const TextSpan& span : text.user) {
      append(done, span.begin, Origin::kTrusted);
      append(span.begin, span.end, kUser);
      done = span.end;
    }
    append(done, text.size(), Origin::kTrusted);
    out_.Append("\"", kUser);
  }

  void PrintKey(const Value& key) {
    if (key.is_string()) return PrintText(*key.text);
    out_.Append("\"", kUser);
    PrintScalar(key);
    out_.Append("\"", kUser);
  }

  // Between two elements, before the first and behind the last.
  void NewLine(int level) {
    if (style_.indent < 0) return;
    const size_t spaces = static_cast<size_t>(style_.indent) * level;
    if (!rt_.MayGrow(out_.size(), spaces)) return;
    out_.Append("\n" + std::string(spaces, ' '), kUser);
  }
  void Separate(bool first, int level) {
    if (!first) out_.Append(style_.item_separator, kUser);
    NewLine(level);
  }

  void PrintList(const List& list) {
    if (list.items.empty()) return out_.Append("[]", kUser);
    const int level = depth_;
    out_.Append("[", kUser);
    for (size_t i = 0; i < list.items.size() && !rt_.failed(); ++i) {
      Separate(i == 0, level);
      Print(list.items[i]);
    }
    NewLine(level - 1);
    out_.Append("]", kUser);
  }

  void PrintDict(const Dict& dict) {
    if (dict.entries().empty()) return out_.Append("{}", kUser);
    auto entries = dict.entries();
    if (style_.sort_keys) SortByKey(entries);
    const int level = depth_;
    out_.Append("{", kUser);
    for (size_t i = 0; i < entries.size() && !rt_.failed(); ++i) {
      Separate(i == 0, level);
      PrintKey(entries[i].first);
      out_.Append(style_.key_separator, kUser);
      Print(entries[i].second);
    }
    NewLine(level - 1);
    out_.Append("}", kUser);
  }

  void SortByKey(std::vector<std::pair<Value, Value>>& entries) {
    rt_.Charge(static_cast<int64_t>(entries.size()) * 16);
    for (const auto& entry : entries) {
      if (!entry.first.is_string()) rt_.Fail("sort_keys wants keys that are strings");
    }
    if (rt_.failed()) return;
    std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
      return a.first.text->text < b.first.text->text;
    });
  }

  Runtime& rt_;
  const JsonStyle& style_;
  TypedText& out_;
  int depth_ = 0;
};

}  // namespace

void AppendJson(Runtime& rt, const Value& value, const JsonStyle& style, TypedText& out) {
  JsonPrinter(rt, style, out).Print(value);
}

}  // namespace weir::jinja
