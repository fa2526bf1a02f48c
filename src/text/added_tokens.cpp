// SPDX-License-Identifier: Apache-2.0
#include "text/added_tokens.h"

#include <algorithm>
#include <utility>

namespace weir {

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::sort(tokens_.begin(), tokens_.end(),
            [](const AddedToken& a, const AddedToken& b) { return a.content < b.content; });
  for (const AddedToken& token : tokens_) {
    is_first_byte_[static_cast<unsigned char>(token.content[0])] = true;
  }
}

std::optional<AddedTokens::Match> AddedTokens::Find(std::string_view text, size_t begin) const {
  if (tokens_.empty()) return std::nullopt;
  for (size_t pos = begin; pos < text.size(); ++pos) {
    if (!is_first_byte_[static_cast<unsigned char>(text[pos])]) continue;
    if (const AddedToken* token = LongestAt(text.substr(pos))) return Match{pos, token};
  }
  return std::nullopt;
}

// Narrows the sorted tokens, byte by byte, to those that begin as `text` does.
const AddedToken* AddedTokens::LongestAt(std::string_view text) const {
  const AddedToken* longest = nullptr;
  auto first = tokens_.begin();
  auto last = tokens_.end();
  for (size_t depth = 0; depth < text.size(); ++depth) {
    // Those that end here sort before those that go on.
    const auto byte_at = [depth](const AddedToken& token) {
      return depth < token.content.size() ? static_cast<unsigned char>(token.content[depth]) : -1;
    };
    const int byte = static_cast<unsigned char>(text[depth]);
    first = std::partition_point(first, last, [&](const auto& t) { return byte_at(t) < byte; });
    last = std::partition_point(first, last, [&](const auto& t) { return byte_at(t) <= byte; });
    if (first == last) break;
    if (first->content.size() == depth + 1) longest = &*first;
  }
  return longest;
}

const AddedToken* AddedTokens::Of(std::string_view content) const {
  const auto it = std::partition_point(tokens_.begin(), tokens_.end(),
                                       [&](const auto& t) { return t.content < content; });
  return it != tokens_.end() && it->content == content ? &*it : nullptr;
}

}  // namespace weir
