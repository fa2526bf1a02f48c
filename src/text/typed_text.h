// SPDX-License-Identifier: Apache-2.0
//
// Text that knows which of its bytes users wrote. What a model's own files say is trusted and may
// spell control tokens; what came with a request may not. Every operation keeps the origin of each
// byte.
#ifndef WEIR_TEXT_TYPED_TEXT_H_
#define WEIR_TEXT_TYPED_TEXT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

enum class Origin : bool { kTrusted, kUser };

// Bytes [begin, end) of a text.
struct TextSpan {
  size_t begin;
  size_t end;

  friend bool operator==(const TextSpan&, const TextSpan&) = default;
};

// Example: a template's "<|user|>" before a message's "hi" is {"<|user|>hi", {{8, 10}}}.
struct TypedText {
  std::string text;
  std::vector<TextSpan> user;  // what users wrote: ascending, not empty, with gaps between them

  TypedText() = default;
  TypedText(std::string_view bytes, Origin origin) { Append(bytes, origin); }

  size_t size() const { return text.size(); }
  bool empty() const { return text.empty(); }

  void Append(std::string_view bytes, Origin origin);
  void Append(const TypedText& other) { Append(other, 0, other.size()); }
  // Requires: begin <= end <= other.size(); other is not *this.
  void Append(const TypedText& other, size_t begin, size_t end);

  TypedText Slice(size_t begin, size_t end) const;

  // kUser when users wrote any byte of [begin, end).
  Origin OriginOf(size_t begin, size_t end) const;
  Origin origin() const { return user.empty() ? Origin::kTrusted : Origin::kUser; }

  // What users did not write: ascending, not empty, with gaps between them.
  std::vector<TextSpan> TrustedSpans() const;

  friend bool operator==(const TypedText&, const TypedText&) = default;
};

}  // namespace weir

#endif  // WEIR_TEXT_TYPED_TEXT_H_
