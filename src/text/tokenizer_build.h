// SPDX-License-Identifier: Apache-2.0
//
// The tables that encoding and decoding read, built from what a tokenizer.json says and checked
// against each other. Constant once built.
#ifndef WEIR_TEXT_TOKENIZER_BUILD_H_
#define WEIR_TEXT_TOKENIZER_BUILD_H_

#include <optional>
#include <string_view>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/piece_cutter.h"
#include "text/tokenizer_json.h"
#include "text/vocabulary.h"

namespace weir {

struct TokenizerTables {
  bool nfc;
  PieceRule rule;
  Vocabulary vocabulary;  // all tokens; those of the model can be searched for
  Bpe bpe;
  std::vector<bool> is_piece;        // [ids] the piece of exactly these bytes is this one token
  AddedTokens raw_added;             // sought in the text as it is given
  AddedTokens normalized_added;      // sought in normalised text
  std::vector<TokenId> special_ids;  // sorted

  // The one token that `piece` becomes; none when it becomes several or merging must tell.
  std::optional<TokenId> IdOfPiece(std::string_view piece) const {
    const auto id = vocabulary.IdOf(piece);
    return id && is_piece[*id] ? id : std::nullopt;
  }
};

Result<TokenizerTables> BuildTables(TokenizerSpec spec, std::string_view where);

}  // namespace weir

#endif  // WEIR_TEXT_TOKENIZER_BUILD_H_
