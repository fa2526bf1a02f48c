// SPDX-License-Identifier: Apache-2.0
#include "text/jinja/text_ops.h"

#include "text/unicode/utf8.h"

namespace weir::jinja {
namespace {

// Whether `chars` holds the character.
bool Holds(std::string_view chars, std::string_view character) {
  return chars.find(character) != std::string_view::npos;
}

size_t LeadingOf(std::string_view text, std::string_view chars) {
  size_t pos = 0;
  while (pos < text.size()) {
    const size_t bytes = ReadCodePoint(text.data() + pos).num_bytes;
    if (!Holds(chars, text.substr(pos, bytes))) break;
    pos += bytes;
  }
  return pos;
}

size_t TrailingOf(std::string_view text, std::string_view chars) {
  size_t left = text.size();
  while (left > 0) {
    const size_t bytes = LastCharBytes(text.substr(0, left));
    if (!Holds(chars, text.substr(left - bytes, bytes))) break;
    left -= bytes;
  }
  return text.size() - left;
}

// Each character in the case that `choose` names.
template <class Choose>
Value Cased(Runtime& rt, const TypedText& text, Choose&& choose) {
  if (!rt.Charge(1 + static_cast<int64_t>(text.size() / 8))) return {};
  TypedText out;
  std::string cased;
  for (size_t pos = 0; pos < text.size();) {
    const CodePoint c = ReadCodePoint(text.text.data() + pos);
    cased.clear();
    AppendCased(c.value, choose(c.value), cased);
    out.Append(cased, text.OriginOf(pos, pos + c.num_bytes));
    pos += c.num_bytes;
  }
  return rt.MakeText(std::move(out));
}

}  // namespace

Value Strip(Runtime& rt, const TypedText& text, const TypedText* chars, Side side) {
  if (!rt.Charge(1 + static_cast<int64_t>(text.size() / 8))) return {};
  const std::string_view bytes = text.text;
  size_t begin = 0;
  size_t end = text.size();
  if (side != Side::kRight) {
    begin = chars == nullptr ? LeadingSpaces(bytes) : LeadingOf(bytes, chars->text);
  }
  if (side != Side::kLeft) {
    const std::string_view rest = bytes.substr(begin);
    end -= chars == nullptr ? TrailingSpaces(rest) : TrailingOf(rest, chars->text);
  }
  return rt.MakeText(text.Slice(begin, end));
}

Value ToCase(Runtime& rt, const TypedText& text, LetterCase letter_case) {
  return Cased(rt, text, [letter_case](uint32_t) { return letter_case; });
}

Value Capitalize(Runtime& rt, const TypedText& text) {
  bool first = true;
  return Cased(rt, text, [&first](uint32_t) {
    return std::exchange(first, false) ? LetterCase::kTitle : LetterCase::kLower;
  });
}

Value Title(Runtime& rt, const TypedText& text, bool after_marks) {
  bool begins = true;
  return Cased(rt, text, [&](uint32_t c) {
    const LetterCase letter_case =
        begins ? (after_marks ? LetterCase::kTitle : LetterCase::kUpper) : LetterCase::kLower;
    begins = after_marks
                 ? !IsPythonCased(c)
                 : IsPythonSpace(c) || c == '-' || c == '(' || c == '{' || c == '[' || c == '<';
    return letter_case;
  });
}

Value Replace(Runtime& rt, const TypedText& text, const TypedText& from, const TypedText& to,
              int64_t max_count) {
  if (!rt.ChargeBytes(text.size())) return {};
  TypedText out;
  size_t done = 0;
  const std::string_view bytes = text.text;
  size_t match = bytes.find(from.text);
  for (int64_t count = 0; match != std::string_view::npos && count != max_count; ++count) {
    if (!rt.MayGrow(out.size(), match - done + to.size())) return {};
    out.Append(text, done, match);
    out.Append(to);
    done = match + from.size();
    // Nothing stands between any two characters, and at both ends.
    if (from.empty()) {
      if (match == bytes.size()) break;
      match += ReadCodePoint(bytes.data() + match).num_bytes;
    } else {
      match = bytes.find(from.text, done);
    }
  }
  if (!rt.MayGrow(out.size(), text.size() - done)) return {};
  out.Append(text, done, text.size());
  return rt.MakeText(std::move(out));
}

}  // namespace weir::jinja
