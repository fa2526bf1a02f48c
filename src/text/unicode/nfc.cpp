// SPDX-License-Identifier: Apache-2.0
#include "text/unicode/nfc.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "text/unicode/unicode_tables.h"
#include "text/unicode/utf8.h"

namespace weir {
namespace {

// Hangul syllables are composed by arithmetic (Unicode standard, 3.12).
constexpr uint32_t kHangulBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr uint32_t kNumL = 19, kNumV = 21, kNumT = 28;
constexpr uint32_t kNumHangul = kNumL * kNumV * kNumT;

struct Mark {
  uint32_t code_point;
  uint8_t ccc;
};

uint8_t CombiningClass(uint32_t code_point) {
  if ((CharEntry(code_point) & kNonStarter) == 0) return 0;
  const auto ranges = CombiningRanges();
  const auto it = std::upper_bound(
      ranges.begin(), ranges.end(), code_point,
      [](uint32_t value, const CombiningRange& range) { return value < range.first; });
  return std::prev(it)->ccc;
}

void Decompose(uint32_t code_point, std::vector<Mark>& out) {
  const uint32_t hangul = code_point - kHangulBase;  // wraps for all that is below
  if (hangul < kNumHangul) {
    out.push_back({kLBase + hangul / (kNumV * kNumT), 0});
    out.push_back({kVBase + hangul / kNumT % kNumV, 0});
    if (hangul % kNumT != 0) out.push_back({kTBase + hangul % kNumT, 0});
    return;
  }
  const auto table = Decompositions();
  const auto it = std::lower_bound(
      table.begin(), table.end(), code_point,
      [](const Decomposition& entry, uint32_t value) { return entry.code_point < value; });
  if (it == table.end() || it->code_point != code_point) {
    out.push_back({code_point, CombiningClass(code_point)});
    return;
  }
  for (const uint32_t part : DecompositionTexts().subspan(it->begin, it->len)) {
    out.push_back({part, CombiningClass(part)});
  }
}

// The composite of two code points, or 0.
uint32_t Compose(uint32_t first, uint32_t second) {
  if (first - kLBase < kNumL && second - kVBase < kNumV) {
    return kHangulBase + ((first - kLBase) * kNumV + second - kVBase) * kNumT;
  }
  if (first - kHangulBase < kNumHangul && (first - kHangulBase) % kNumT == 0 &&
      second - kTBase - 1 < kNumT - 1) {
    return first + second - kTBase;
  }
  const auto table = Compositions();
  const auto it = std::lower_bound(table.begin(), table.end(), std::tie(first, second),
                                   [](const Composition& entry, const auto& key) {
                                     return std::tie(entry.first, entry.second) < key;
                                   });
  const bool found = it != table.end() && it->first == first && it->second == second;
  return found ? it->composed : 0;
}

// Puts each run of marks into the order of their classes; equal classes keep their order.
void SortMarks(std::vector<Mark>& text) {
  const auto is_mark = [](const Mark& mark) { return mark.ccc != 0; };
  for (auto begin = text.begin(); begin != text.end();) {
    begin = std::find_if(begin, text.end(), is_mark);
    const auto end = std::find_if_not(begin, text.end(), is_mark);
    std::stable_sort(begin, end, [](const Mark& a, const Mark& b) { return a.ccc < b.ccc; });
    begin = end;
  }
}

// Joins marks to the starter before them, in place; see "canonical composition" in the standard.
void ComposeAll(std::vector<Mark>& text) {
  size_t num_kept = 0;
  size_t starter = text.size();  // position of the last starter; none yet
  uint8_t last_ccc = 0;          // of the last character kept after the starter
  for (const Mark mark : text) {
    const bool adjacent = starter != text.size() && num_kept == starter + 1;
    if (starter != text.size() && (adjacent || last_ccc < mark.ccc)) {
      if (const uint32_t composed = Compose(text[starter].code_point, mark.code_point)) {
        text[starter].code_point = composed;
        continue;
      }
    }
    if (mark.ccc == 0) starter = num_kept;
    last_ccc = mark.ccc;
    text[num_kept++] = mark;
  }
  text.resize(num_kept);
}

bool IsBoundary(uint8_t entry) { return (entry & (kNfcUnsure | kNonStarter)) == 0; }

// The next stretch of `text` from `begin` on that needs a closer look. Stretches begin and end
// at characters that neither join nor reorder with what stands before them.
struct Stretch {
  size_t begin;
  size_t end;
};

Stretch NextUnsure(std::string_view text, size_t begin) {
  size_t boundary = begin;  // start of the last character that nothing before it can change
  bool after_mark = false;
  bool unsure = false;
  size_t pos = begin;
  while (pos < text.size()) {
    if (static_cast<unsigned char>(text[pos]) < 0x80) {
      if (unsure) return {boundary, pos};
      pos = SkipAscii(text, pos);
      boundary = pos - 1;
      after_mark = false;
      continue;
    }
    const CodePoint c = ReadCodePoint(text.data() + pos);
    const uint8_t entry = CharEntry(c.value);
    if (IsBoundary(entry)) {
      if (unsure) return {boundary, pos};
      boundary = pos;
    }
    const bool is_mark = (entry & kNonStarter) != 0;
    unsure = unsure || (entry & kNfcUnsure) != 0 || (is_mark && after_mark);
    after_mark = is_mark;
    pos += c.num_bytes;
  }
  return {unsure ? boundary : text.size(), text.size()};
}

}  // namespace

std::string_view ToNfc(std::string_view text, std::string& buffer) {
  Stretch stretch = NextUnsure(text, 0);
  if (stretch.begin == text.size()) return text;
  buffer.clear();
  buffer.reserve(text.size());
  std::vector<Mark> marks;
  size_t done = 0;
  while (stretch.begin < text.size()) {
    buffer += text.substr(done, stretch.begin - done);
    marks.clear();
    for (size_t pos = stretch.begin; pos < stretch.end;) {
      const CodePoint c = ReadCodePoint(text.data() + pos);
      Decompose(c.value, marks);
      pos += c.num_bytes;
    }
    SortMarks(marks);
    ComposeAll(marks);
    for (const Mark& mark : marks) AppendUtf8(mark.code_point, buffer);
    done = stretch.end;
    stretch = NextUnsure(text, done);
  }
  buffer += text.substr(done);
  return buffer;
}

}  // namespace weir
