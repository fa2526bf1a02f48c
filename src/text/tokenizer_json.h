// SPDX-License-Identifier: Apache-2.0
//
// Reading a tokenizer.json of Hugging Face: what it says, checked field by field, before tables are
// built from it. A field that would change the ids and that Weir does not implement is an error.
#ifndef WEIR_TEXT_TOKENIZER_JSON_H_
#define WEIR_TEXT_TOKENIZER_JSON_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "text/added_tokens.h"
#include "text/piece_cutter.h"

namespace weir {

inline constexpr size_t kMaxTokenizerJsonBytes = size_t{1} << 30;

// The two large tables of the file. A token is still written in the byte-level alphabet; texts lie
// end to end in one string, in the order of the file.
struct TokenTexts {
  std::string bytes;
  std::vector<uint32_t> lens;

  void Add(std::string_view text) {
    bytes += text;
    lens.push_back(static_cast<uint32_t>(text.size()));
  }
};

struct TokenizerSpec {
  bool nfc = false;
  PieceRule rule = PieceRule::kGpt2;
  bool ignore_merges = false;  // a piece that is a token stays one
  bool fuse_unk = false;
  std::optional<std::string> unk_token;
  std::vector<AddedToken> added_tokens;
  TokenTexts vocab;
  std::vector<TokenId> vocab_ids;  // one per text of `vocab`
  TokenTexts merges;               // two texts per merge
};

// `where` names the source in messages.
Result<TokenizerSpec> ReadTokenizerJson(std::string_view text, std::string_view where);

}  // namespace weir

#endif  // WEIR_TEXT_TOKENIZER_JSON_H_
