// SPDX-License-Identifier: Apache-2.0
#include "text/typed_text.h"

#include <algorithm>

#include "base/check.h"

namespace weir {
namespace {

// The first span that ends behind `pos`.
std::vector<TextSpan>::const_iterator FirstBehind(const std::vector<TextSpan>& spans, size_t pos) {
  return std::partition_point(spans.begin(), spans.end(),
                              [pos](const TextSpan& span) { return span.end <= pos; });
}

void AddSpan(std::vector<TextSpan>& spans, size_t begin, size_t end) {
  if (begin == end) return;
  if (!spans.empty() && spans.back().end == begin) {
    spans.back().end = end;
  } else {
    spans.push_back({begin, end});
  }
}

}  // namespace

void TypedText::Append(std::string_view bytes, Origin origin) {
  const size_t at = text.size();
  text += bytes;
  if (origin == Origin::kUser) AddSpan(user, at, text.size());
}

void TypedText::Append(const TypedText& other, size_t begin, size_t end) {
  WEIR_DCHECK(&other != this && begin <= end && end <= other.size());
  const size_t at = text.size();
  text.append(other.text, begin, end - begin);
  for (auto it = FirstBehind(other.user, begin); it != other.user.end() && it->begin < end; ++it) {
    AddSpan(user, at + std::max(it->begin, begin) - begin, at + std::min(it->end, end) - begin);
  }
}

TypedText TypedText::Slice(size_t begin, size_t end) const {
  TypedText slice;
  slice.Append(*this, begin, end);
  return slice;
}

Origin TypedText::OriginOf(size_t begin, size_t end) const {
  if (begin == end) return Origin::kTrusted;
  const auto it = FirstBehind(user, begin);
  return it != user.end() && it->begin < end ? Origin::kUser : Origin::kTrusted;
}

std::vector<TextSpan> TypedText::TrustedSpans() const {
  std::vector<TextSpan> spans;
  size_t done = 0;
  for (const TextSpan& span : user) {
    AddSpan(spans, done, span.begin);
    done = span.end;
  }
  AddSpan(spans, done, size());
  return spans;
}

}  // namespace weir
