// SPDX-License-Identifier: Apache-2.0
#include "text/vocabulary.h"

#include <bit>

#include "base/error.h"
#include "text/byte_level.h"
#include "text/hash.h"

namespace weir {

Vocabulary::Vocabulary(size_t num_tokens)
    : slots_(std::bit_ceil(2 * num_tokens + 2)), max_id_(2 * num_tokens + 1024) {}

Status Vocabulary::Add(TokenId id, std::string_view bytes, bool searchable) {
  if (id < 0 || static_cast<size_t>(id) > max_id_) {
    return Err(Code::kInvalidModel, "token \"", ToByteLevel(bytes), "\" has id ", id,
               ", wanted 0 to ", max_id_, " in a file of so many tokens");
  }
  if (bytes.empty()) return Err(Code::kInvalidModel, "id ", id, " is an empty token");
  if (static_cast<size_t>(id) >= tokens_.size()) tokens_.resize(id + size_t{1});
  Token& token = tokens_[id];
  if (token.num_bytes != 0) {
    return Err(Code::kInvalidModel, "id ", id, " is both \"", ToByteLevel(BytesOf(id)), "\" and \"",
               ToByteLevel(bytes), "\"");
  }
  token = {static_cast<uint32_t>(bytes_.size()), static_cast<uint32_t>(bytes.size())};
  bytes_ += bytes;
  if (!searchable) return Ok();
  const size_t slot = FindSlot(bytes);
  if (slot == slots_.size()) return Err(Code::kInvalidModel, "too many tokens of equal hash");
  if (slots_[slot].id >= 0) {
    return Err(Code::kInvalidModel, "token \"", ToByteLevel(bytes), "\" has ids ", slots_[slot].id,
               " and ", id);
  }
  slots_[slot] = {static_cast<uint32_t>(HashBytes(bytes)), id};
  return Ok();
}

// The slot of `bytes`, or the empty one where they would go; slots_.size() after kMaxProbes.
size_t Vocabulary::FindSlot(std::string_view bytes) const {
  const uint64_t hash = HashBytes(bytes);
  const size_t mask = slots_.size() - 1;
  size_t slot = (hash >> 32) & mask;
  for (size_t i = 0; i < kMaxProbes; ++i, slot = (slot + 1) & mask) {
    if (slots_[slot].id < 0) return slot;
    if (slots_[slot].tag == static_cast<uint32_t>(hash) && BytesOf(slots_[slot].id) == bytes) {
      return slot;
    }
  }
  return slots_.size();
}

std::string_view Vocabulary::BytesOf(TokenId id) const {
  if (id < 0 || id >= num_ids()) return {};
  return std::string_view(bytes_).substr(tokens_[id].begin, tokens_[id].num_bytes);
}

std::optional<TokenId> Vocabulary::IdOf(std::string_view bytes) const {
  const size_t slot = FindSlot(bytes);
  if (slot == slots_.size() || slots_[slot].id < 0) return std::nullopt;
  return slots_[slot].id;
}

}  // namespace weir
