// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer_build.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/error.h"
#include "text/byte_level.h"
#include "text/unicode/nfc.h"

namespace weir {
namespace {

// Walks over texts that lie end to end.
class TextReader {
 public:
  explicit TextReader(const TokenTexts& texts) : texts_(texts) {}

  bool done() const { return index_ == texts_.lens.size(); }
  std::string_view Next() {
    const auto text = std::string_view(texts_.bytes).substr(begin_, texts_.lens[index_]);
    begin_ += texts_.lens[index_++];
    return text;
  }

 private:
  const TokenTexts& texts_;
  size_t begin_ = 0;
  size_t index_ = 0;
};

class Builder {
 public:
  Builder(TokenizerSpec spec, std::string_view where)
      : spec_(std::move(spec)),
        where_(where),
        vocabulary_(spec_.vocab_ids.size() + spec_.added_tokens.size()) {}

  Result<TokenizerTables> Build() {
    WEIR_RETURN_IF_ERROR(CheckAddedContents());
    WEIR_RETURN_IF_ERROR(AddModelTokens());
    WEIR_RETURN_IF_ERROR(AddAddedTokens());
    WEIR_ASSIGN_OR_RETURN(const auto unknown, FindUnknown());
    WEIR_ASSIGN_OR_RETURN(const auto byte_ids, FindBytes(unknown.has_value()));
    WEIR_ASSIGN_OR_RETURN(MergeTable merges, ReadMerges());
    Bpe bpe(byte_ids, unknown, std::move(merges));
    std::vector<bool> is_piece = FindPieces(bpe);
    WEIR_ASSIGN_OR_RETURN(std::vector<AddedToken> normalized, NormalizedAdded());
    std::erase_if(spec_.added_tokens, [](const AddedToken& token) { return token.normalized; });
    return TokenizerTables{.nfc = spec_.nfc,
                           .rule = spec_.rule,
                           .vocabulary = std::move(vocabulary_),
                           .bpe = std::move(bpe),
                           .is_piece = std::move(is_piece),
                           .raw_added = AddedTokens(std::move(spec_.added_tokens)),
                           .normalized_added = AddedTokens(std::move(normalized)),
                           .special_ids = std::move(special_ids_)};
  }

 private:
  template <class... Args>
  tl::unexpected<Error> Bad(const Args&... args) const {
    return Err(Code::kInvalidModel, where_, ": ", args...);
  }

  Status At(std::string_view place, const Status& status) const {
    if (status) return status;
    return Err(status.error().code, where_, ": ", place, ": ", status.error().message);
  }

  Status CheckAddedContents() {
    for (const AddedToken& token : spec_.added_tokens) {
      if (!added_ids_.emplace(token.content, token.id).second) {
        return Bad("added_tokens: \"", token.content, "\" stands twice");
      }
      if (token.special) special_ids_.push_back(token.id);
    }
    std::sort(special_ids_.begin(), special_ids_.end());
    return Ok();
  }

  // An entry outside the byte-level alphabet cannot come out of merging. It may only be there as
  // the double of an added token.
  Status AddModelTokens() {
    TextReader texts(spec_.vocab);
    for (const TokenId id : spec_.vocab_ids) {
      const std::string_view text = texts.Next();
      const auto added = added_ids_.find(std::string(text));
      const bool is_added = added != added_ids_.end();
      if (is_added && added->second != id) {
        return Bad("\"", text, "\" has id ", id, " in model.vocab and ", added->second,
                   " in added_tokens");
      }
      if (is_added) added_ids_.erase(added);
      const auto bytes = FromByteLevel(text);
      if (!bytes && !is_added) {
        return Bad("model.vocab: \"", text, "\" has characters outside the byte-level alphabet");
      }
      WEIR_RETURN_IF_ERROR(
          At("model.vocab", vocabulary_.Add(id, bytes ? *bytes : text, bytes.has_value())));
    }
    return Ok();
  }

  // Those that the model does not have. Decoding shows a token as it is sought, and reads it in the
  // byte-level alphabet where that is possible; Hugging Face tokenizers does both.
  Status AddAddedTokens() {
    for (const AddedToken& token : spec_.added_tokens) {
      if (added_ids_.count(token.content) == 0) continue;
      const std::string sought = Sought(token);
      const auto bytes = FromByteLevel(sought);
      WEIR_RETURN_IF_ERROR(
          At("added_tokens", vocabulary_.Add(token.id, bytes ? *bytes : sought, false)));
    }
    return Ok();
  }

  Result<std::optional<Bpe::Unknown>> FindUnknown() const {
    if (!spec_.unk_token) return std::nullopt;
    const auto bytes = FromByteLevel(*spec_.unk_token);
    const auto id = bytes ? vocabulary_.IdOf(*bytes) : std::nullopt;
    if (!id) return Bad("model.unk_token: \"", *spec_.unk_token, "\" is not in model.vocab");
    return Bpe::Unknown{*id, spec_.fuse_unk};
  }

  Result<std::array<TokenId, 256>> FindBytes(bool may_be_unknown) const {
    std::array<TokenId, 256> ids;
    for (int byte = 0; byte < 256; ++byte) {
      const char c = static_cast<char>(byte);
      const auto id = vocabulary_.IdOf({&c, 1});
      if (!id && !may_be_unknown) {
        return Bad("model.vocab: byte ", byte, " (\"", ToByteLevel({&c, 1}),
                   "\") has no token, wanted all 256 or an unk_token");
      }
      ids[byte] = id.value_or(-1);
    }
    return ids;
  }

  Result<MergeTable> ReadMerges() const {
    MergeTable merges(spec_.merges.lens.size() / 2);
    TextReader texts(spec_.merges);
    for (uint32_t rank = 0; !texts.done(); ++rank) {
      const std::string_view left = texts.Next();
      const std::string_view right = texts.Next();
      const auto left_bytes = FromByteLevel(left);
      const auto right_bytes = FromByteLevel(right);
      const auto left_id = left_bytes ? vocabulary_.IdOf(*left_bytes) : std::nullopt;
      const auto right_id = right_bytes ? vocabulary_.IdOf(*right_bytes) : std::nullopt;
      const auto id =
          left_id && right_id ? vocabulary_.IdOf(*left_bytes + *right_bytes) : std::nullopt;
      if (!id) {
        return Bad("model.merges[", rank, "]: \"", !left_id ? left : right, "\" ",
                   left_id && right_id ? "merged with what is before it " : "",
                   "is not in model.vocab");
      }
      WEIR_RETURN_IF_ERROR(At("model.merges", merges.Add(*left_id, *right_id, {rank, *id})));
    }
    return merges;
  }

  std::vector<bool> FindPieces(const Bpe& bpe) const {
    std::vector<bool> is_piece(vocabulary_.num_ids());
    BpeScratch scratch;
    std::vector<TokenId> ids;
    for (const TokenId id : spec_.vocab_ids) {
      ids.clear();
      if (!spec_.ignore_merges) bpe.Encode(vocabulary_.BytesOf(id), scratch, ids);
      is_piece[id] = spec_.ignore_merges || (ids.size() == 1 && ids[0] == id);
    }
    return is_piece;
  }

  // What a search for the token looks for: text that was normalised holds normalised contents only.
  std::string Sought(const AddedToken& token) const {
    std::string buffer;
    if (!token.normalized || !spec_.nfc) return token.content;
    return std::string(ToNfc(token.content, buffer));
  }

  Result<std::vector<AddedToken>> NormalizedAdded() const {
    std::vector<AddedToken> normalized;
    std::unordered_map<std::string, TokenId> seen;
    for (AddedToken token : spec_.added_tokens) {
      if (!token.normalized) continue;
      token.content = Sought(token);
      if (!seen.emplace(token.content, token.id).second) {
        return Bad("added_tokens: \"", token.content, "\" stands twice once normalised");
      }
      normalized.push_back(std::move(token));
    }
    return normalized;
  }

  TokenizerSpec spec_;
  std::string_view where_;
  Vocabulary vocabulary_;
  std::unordered_map<std::string, TokenId> added_ids_;  // by content; not those of model.vocab
  std::vector<TokenId> special_ids_;
};

}  // namespace

Result<TokenizerTables> BuildTables(TokenizerSpec spec, std::string_view where) {
  return Builder(std::move(spec), where).Build();
}

}  // namespace weir
