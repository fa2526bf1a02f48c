// SPDX-License-Identifier: Apache-2.0
#include "text/piece_cutter.h"

#include "base/check.h"

namespace weir {
namespace {

constexpr std::string_view kQwen2Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kLlama3Pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*)"
    R"(|\s*[\r\n]+|\s+(?!\S)|\s+)";
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

}  // namespace

std::optional<PieceRule> RuleOfPattern(std::string_view pattern) {
  if (pattern == kQwen2Pattern) return PieceRule::kQwen2;
  if (pattern == kLlama3Pattern) return PieceRule::kLlama3;
  if (pattern == kGpt2Pattern) return PieceRule::kGpt2;
  return std::nullopt;
}

PieceCutter::Char PieceCutter::At(size_t pos) const {
  if (pos >= text_.size()) return {CharClass::kNone, 0};
  const CodePoint c = ReadCodePoint(text_.data() + pos);
  return {ClassOf(c.value), c.num_bytes};
}

std::string_view PieceCutter::Next() {
  if (pos_ == text_.size()) return {};
  const size_t begin = pos_;
  pos_ = rule_ == PieceRule::kGpt2 ? EndOfGpt2Piece(begin) : EndOfPiece(begin);
  WEIR_DCHECK(begin < pos_ && pos_ <= text_.size());
  return text_.substr(begin, pos_ - begin);
}

// The alternatives of the expression, in its order.
size_t PieceCutter::EndOfPiece(size_t pos) {
  if (const size_t len = ContractionLen(pos)) return pos + len;
  const Char c = At(pos);
  const size_t next_pos = pos + c.num_bytes;
  if (c.cls == CharClass::kLetter) return EndOfRun(next_pos, CharClass::kLetter);
  if (c.cls == CharClass::kNumber) return EndOfNumber(pos, rule_ == PieceRule::kLlama3 ? 3 : 1);
  const CharClass next = At(next_pos).cls;
  if (next == CharClass::kLetter && !IsBreak(pos)) return EndOfRun(next_pos, CharClass::kLetter);
  if (c.cls == CharClass::kOther || (text_[pos] == ' ' && next == CharClass::kOther)) {
    return EndOfBreaks(EndOfRun(next_pos, CharClass::kOther));
  }
  return EndOfSpaces(pos);
}

size_t PieceCutter::EndOfGpt2Piece(size_t pos) {
  if (const size_t len = ContractionLen(pos)) return pos + len;
  const Char c = At(pos);
  const size_t next_pos = pos + c.num_bytes;
  if (c.cls != CharClass::kSpace) return EndOfRun(next_pos, c.cls);
  const CharClass next = At(next_pos).cls;
  if (text_[pos] == ' ' && next != CharClass::kSpace && next != CharClass::kNone) {
    return EndOfRun(next_pos, next);
  }
  return EndOfSpaces(pos);
}

size_t PieceCutter::EndOfRun(size_t pos, CharClass cls) {
  const size_t begin = pos;
  for (Char c = At(pos); c.cls == cls; c = At(pos)) pos += c.num_bytes;
  num_scanned_ += static_cast<int64_t>(pos - begin) + 1;
  return pos;
}

size_t PieceCutter::EndOfNumber(size_t pos, int max_digits) {
  const size_t begin = pos;
  for (int i = 0; i < max_digits; ++i) {
    const Char c = At(pos);
    if (c.cls != CharClass::kNumber) break;
    pos += c.num_bytes;
  }
  num_scanned_ += static_cast<int64_t>(pos - begin) + 1;
  return pos;
}

size_t PieceCutter::EndOfBreaks(size_t pos) {
  const size_t begin = pos;
  while (pos < text_.size() && IsBreak(pos)) ++pos;
  num_scanned_ += static_cast<int64_t>(pos - begin) + 1;
  return pos;
}

// \s*[\r\n]+ (not in GPT-2's rule), then \s+(?!\S), then \s+.
size_t PieceCutter::EndOfSpaces(size_t pos) {
  const size_t begin = pos;
  size_t last = pos;    // where the run's last character starts
  size_t breaks = pos;  // where the run's last line break ends
  for (Char c = At(pos); c.cls == CharClass::kSpace; c = At(pos)) {
    last = pos;
    if (IsBreak(pos)) breaks = pos + 1;
    pos += c.num_bytes;
  }
  num_scanned_ += static_cast<int64_t>(pos - begin) + 1;
  if (breaks != begin && rule_ != PieceRule::kGpt2) return breaks;
  // Before something visible, the run's last character is left to the next piece if it can be.
  const bool leave_last = pos != text_.size() && last != begin;
  return leave_last ? last : pos;
}

// Length of 's 't 're 've 'm 'll 'd at `pos`, or 0. Ignoring case also admits U+017F, long s.
size_t PieceCutter::ContractionLen(size_t pos) const {
  if (text_[pos] != '\'') return 0;
  const std::string_view rest = text_.substr(pos + 1, 2);
  const bool any_case = rule_ != PieceRule::kGpt2;
  const auto at = [rest, any_case](size_t i) {
    const char c = i < rest.size() ? rest[i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  const char first = at(0);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') return 2;
  const char second = at(1);
  if ((first == 'r' || first == 'v') && second == 'e') return 3;
  if (first == 'l' && second == 'l') return 3;
  if (any_case && rest == "\xC5\xBF") return 3;
  return 0;
}

}  // namespace weir
