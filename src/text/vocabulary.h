// SPDX-License-Identifier: Apache-2.0
//
// Token ids and the bytes they stand for, in both directions.
#ifndef WEIR_TEXT_VOCABULARY_H_
#define WEIR_TEXT_VOCABULARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

namespace weir {

class Vocabulary {
 public:
  // `num_tokens` bounds how many tokens will be added.
  explicit Vocabulary(size_t num_tokens);

  // Errors: the id is negative, far above the number of tokens, or taken by other bytes;
  // `searchable` bytes that have an id already.
  Status Add(TokenId id, std::string_view bytes, bool searchable);

  TokenId num_ids() const { return static_cast<TokenId>(tokens_.size()); }  // largest id + 1
  std::string_view BytesOf(TokenId id) const;                 // empty when there is no such id
  std::optional<TokenId> IdOf(std::string_view bytes) const;  // of the searchable tokens

 private:
  struct Token {
    uint32_t begin = 0;
    uint32_t num_bytes = 0;  // 0: no such id
  };
  struct Slot {
    uint32_t tag = 0;  // other half of the hash, to spare most comparisons
    TokenId id = -1;
  };

  size_t FindSlot(std::string_view bytes) const;

  std::string bytes_;  // all tokens, end to end
  std::vector<Token> tokens_;
  std::vector<Slot> slots_;  // open addressing, linear probing, at most half full
  size_t max_id_;
};

}  // namespace weir

#endif  // WEIR_TEXT_VOCABULARY_H_
