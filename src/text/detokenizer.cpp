// SPDX-License-Identifier: Apache-2.0
#include "text/detokenizer.h"

#include "text/unicode/utf8.h"

namespace weir {

std::string Detokenizer::Push(TokenId id) {
  if (skip_special_ && tokenizer_->IsSpecial(id)) return {};
  pending_ += tokenizer_->BytesOf(id);
  std::string text;
  pending_.erase(0, AppendRepaired(pending_, text));
  return text;
}

std::string Detokenizer::Flush() {
  std::string text(pending_.empty() ? std::string_view() : kReplacement);
  pending_.clear();
  return text;
}

}  // namespace weir
