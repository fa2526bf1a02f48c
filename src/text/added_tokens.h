// SPDX-License-Identifier: Apache-2.0
//
// Tokens that are found in text by their content before anything else happens: <|im_start|> and
// the like. The leftmost match wins, and of those the longest.
#ifndef WEIR_TEXT_ADDED_TOKENS_H_
#define WEIR_TEXT_ADDED_TOKENS_H_

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/request.h>

namespace weir {

struct AddedToken {
  TokenId id = 0;
  std::string content;      // never empty
  bool special = false;     // markup, left out of text shown to users
  bool normalized = false;  // sought in normalised text; otherwise in the text as it is given
};

class AddedTokens {
 public:
  // Requires: contents are distinct and not empty.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  struct Match {
    size_t begin;
    const AddedToken* token;
  };

  bool empty() const { return tokens_.empty(); }

  // The first match at or after `begin`; none when the rest of the text has none.
  std::optional<Match> Find(std::string_view text, size_t begin) const;

  // The token of exactly this content, or null.
  const AddedToken* Of(std::string_view content) const;

 private:
  const AddedToken* LongestAt(std::string_view text) const;

  std::vector<AddedToken> tokens_;         // sorted by content
  std::array<bool, 256> is_first_byte_{};  // of any token
};

}  // namespace weir

#endif  // WEIR_TEXT_ADDED_TOKENS_H_
