// SPDX-License-Identifier: Apache-2.0
//
// The pre-tokeniser: cuts text into the pieces inside which BPE merges. Each rule is a regular
// expression of a known model family, matched by hand in linear time; together the pieces are the
// whole text.
#ifndef WEIR_TEXT_PIECE_CUTTER_H_
#define WEIR_TEXT_PIECE_CUTTER_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "text/unicode/unicode_tables.h"
#include "text/unicode/utf8.h"

namespace weir {

enum class PieceRule {
  kGpt2,    // the ByteLevel pre-tokenizer's own expression
  kQwen2,   // Qwen2, Qwen2.5, Qwen3
  kLlama3,  // as kQwen2, but up to three digits in a piece
};

// The rule of a Split pre-tokenizer's expression; none when it is not known.
std::optional<PieceRule> RuleOfPattern(std::string_view pattern);

class PieceCutter {
 public:
  // Requires: `text` is UTF-8 and outlives the cutter.
  PieceCutter(PieceRule rule, std::string_view text) : rule_(rule), text_(text) {}

  // The next piece, never empty; an empty view after the last.
  std::string_view Next();

  // Bytes looked at so far, counted again each time they are read. Linear in the text.
  int64_t num_scanned() const { return num_scanned_; }

 private:
  struct Char {
    CharClass cls;
    uint32_t num_bytes;
  };

  Char At(size_t pos) const;
  bool IsBreak(size_t pos) const { return text_[pos] == '\n' || text_[pos] == '\r'; }
  size_t EndOfPiece(size_t pos);
  size_t EndOfGpt2Piece(size_t pos);
  size_t EndOfRun(size_t pos, CharClass cls);
  size_t EndOfNumber(size_t pos, int max_digits);
  size_t EndOfBreaks(size_t pos);
  size_t EndOfSpaces(size_t pos);
  size_t ContractionLen(size_t pos) const;

  const PieceRule rule_;
  const std::string_view text_;
  size_t pos_ = 0;
  int64_t num_scanned_ = 0;
};

}  // namespace weir

#endif  // WEIR_TEXT_PIECE_CUTTER_H_
