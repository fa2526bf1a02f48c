// SPDX-License-Identifier: Apache-2.0
//
// Text to token ids and back, as Hugging Face tokenizers does it for byte-level BPE models (Qwen2,
// Qwen2.5, Qwen3, Llama 3, GPT-2). Constant after loading, so threads share it without locks.
#ifndef WEIR_TEXT_TOKENIZER_H_
#define WEIR_TEXT_TOKENIZER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

#include "text/typed_text.h"

namespace weir {

// What an Encode call cost, in units that do not depend on the machine. Linear in the text but for
// the logarithm of the longest piece in heap moves, which count as one.
struct EncodeStats {
  int64_t bytes_scanned = 0;  // by the pre-tokeniser
  int64_t merge_steps = 0;    // looks into the merge table and moves in the heap
};

class Tokenizer {
 public:
  // Reads the text of a tokenizer.json; `where` names it in messages. No template of the
  // post-processor is applied: Encode adds no token that is not in the text.
  static Result<Tokenizer> FromJson(std::string_view tokenizer_json, std::string_view where);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Any bytes have tokens: broken UTF-8 is read as U+FFFD, one per maximal broken part, as Hugging
  // Face tokenizers gets it from a lossy decoding. With `parse_special` false the content of a
  // special token is ordinary text. Requires: fewer than 2^29 bytes.
  std::vector<TokenId> Encode(std::string_view text, bool parse_special = true,
                              EncodeStats* stats = nullptr) const;

  // The same, but an added token, special or not, is recognised only where none of its bytes came
  // from users; elsewhere its content is ordinary text. So the ids equal those of Encode(text.text)
  // unless users took part in writing a token's content.
  std::vector<TokenId> Encode(const TypedText& text, EncodeStats* stats = nullptr) const;

  // The text of `ids`, with U+FFFD for bytes that are no UTF-8. An id without a token is skipped.
  std::string Decode(std::span<const TokenId> ids, bool skip_special) const;

  // Largest id + 1.
  int32_t vocab_size() const;

  // The id of an added token's content, else of a vocabulary entry's bytes.
  std::optional<TokenId> IdOf(std::string_view token) const;

  // The raw bytes of a token, not always whole characters. Empty when there is no such id.
  std::string_view BytesOf(TokenId id) const;

  bool IsSpecial(TokenId id) const;

 private:
  struct Parts;
  explicit Tokenizer(std::unique_ptr<const Parts> parts);

  std::unique_ptr<const Parts> parts_;
};

}  // namespace weir

#endif  // WEIR_TEXT_TOKENIZER_H_
