// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/piece_cutter.h"
#include "text/tokenizer_build.h"
#include "text/unicode/nfc.h"
#include "text/unicode/utf8.h"

namespace weir {

struct Tokenizer::Parts {
  TokenizerTables tables;
};

namespace {

// The parts of `spans` inside `range`, counted from its start.
std::vector<TextSpan> Within(const std::vector<TextSpan>& spans, TextSpan range) {
  std::vector<TextSpan> inside;
  auto it = std::partition_point(spans.begin(), spans.end(),
                                 [&](const TextSpan& span) { return span.end <= range.begin; });
  for (; it != spans.end() && it->begin < range.end; ++it) {
    inside.push_back({std::max(it->begin, range.begin) - range.begin,
                      std::min(it->end, range.end) - range.begin});
  }
  return inside;
}

bool Contains(const std::vector<TextSpan>& spans, TextSpan range) {
  const auto it = std::partition_point(
      spans.begin(), spans.end(), [&](const TextSpan& span) { return span.end <= range.begin; });
  return it != spans.end() && it->begin <= range.begin && range.end <= it->end;
}

// Where the trusted spans of `text` are after `change` was applied to the whole. It is applied here
// from one ASCII character to the next: repairing and normalising join nothing across the front of
// one. What they make of the characters behind it is trusted when all of these are.
template <class Change>
std::vector<TextSpan> SpansAfter(std::string_view text, const std::vector<TextSpan>& trusted,
                                 Change&& change) {
  const auto origin_of = [&](size_t begin, size_t end) {
    return Contains(trusted, {begin, end}) ? Origin::kTrusted : Origin::kUser;
  };
  TypedText changed;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin + 1;
    while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) ++end;
    std::string_view part = change(text.substr(begin, end - begin));
    if (end > begin + 1 && part.starts_with(text[begin])) {  // nothing joined the first
      changed.Append(part.substr(0, 1), origin_of(begin, begin + 1));
      part.remove_prefix(1);
      ++begin;
    }
    changed.Append(part, origin_of(begin, end));
    begin = end;
  }
  return changed.TrustedSpans();
}

// One Encode call: the tables and what the call writes.
class Encoder {
 public:
  Encoder(const TokenizerTables& tables, bool parse_special)
      : tables_(tables), parse_special_(parse_special) {}

  // First the added tokens of the raw text, then those of the normalised text between them; each
  // only where a trusted span holds the whole of it.
  void EncodeText(std::string_view text, const std::vector<TextSpan>& trusted) {
    ForEachGap(tables_.raw_added, text, trusted, [&](TextSpan gap) {
      EncodeGap(text.substr(gap.begin, gap.end - gap.begin), Within(trusted, gap));
    });
  }

  std::vector<TokenId> TakeIds() { return std::move(ids_); }

  EncodeStats stats() const { return {bytes_scanned_, scratch_.num_steps}; }

 private:
  void EncodeGap(std::string_view gap, std::vector<TextSpan> trusted) {
    if (tables_.nfc) {
      const std::string_view nfc = ToNfc(gap, nfc_buffer_);
      if (nfc.data() != gap.data() && !tables_.normalized_added.empty()) {
        std::string buffer;
        trusted = SpansAfter(gap, trusted, [&](auto part) { return ToNfc(part, buffer); });
      }
      gap = nfc;
    }
    ForEachGap(tables_.normalized_added, gap, trusted, [&](TextSpan inner) {
      EncodePieces(gap.substr(inner.begin, inner.end - inner.begin));
    });
  }

  // Emits the added tokens in `text` and calls `on_gap` for what lies between them, in order.
  template <class OnGap>
  void ForEachGap(const AddedTokens& added, std::string_view text,
                  const std::vector<TextSpan>& trusted, OnGap&& on_gap) {
    size_t done = 0;
    for (const TextSpan& span : trusted) {
      const std::string_view visible = text.substr(0, span.end);
      for (auto match = added.Find(visible, span.begin); match;) {
        const size_t end = match->begin + match->token->content.size();
        if (parse_special_ || !match->token->special) {
          if (done < match->begin) on_gap(TextSpan{done, match->begin});
          ids_.push_back(match->token->id);
          done = end;
        }
        match = added.Find(visible, end);
      }
    }
    if (done < text.size()) on_gap(TextSpan{done, text.size()});
  }

  void EncodePieces(std::string_view text) {
    PieceCutter cutter(tables_.rule, text);
    for (auto piece = cutter.Next(); !piece.empty(); piece = cutter.Next()) {
      if (const auto id = tables_.IdOfPiece(piece)) {
        ids_.push_back(*id);
      } else {
        tables_.bpe.Encode(piece, scratch_, ids_);
      }
    }
    bytes_scanned_ += cutter.num_scanned();
  }

  const TokenizerTables& tables_;
  const bool parse_special_;
  std::vector<TokenId> ids_;
  BpeScratch scratch_;
  std::string nfc_buffer_;
  int64_t bytes_scanned_ = 0;
};

std::vector<TokenId> EncodeWith(const TokenizerTables& tables, std::string_view text,
                                std::vector<TextSpan> trusted, bool parse_special,
                                EncodeStats* stats) {
  // Repairing and normalising make at most three bytes of one, and a piece is counted in int32_t.
  WEIR_CHECK_LT(text.size(), size_t{1} << 29);
  std::string repaired;
  if (!IsUtf8(text)) {
    trusted = SpansAfter(text, trusted, [&repaired](std::string_view part) {
      repaired = Repaired(part);
      return std::string_view(repaired);
    });
    repaired = Repaired(text);
    text = repaired;
  }
  Encoder encoder(tables, parse_special);
  encoder.EncodeText(text, trusted);
  if (stats != nullptr) *stats = encoder.stats();
  return encoder.TakeIds();
}

// Messages quote the file, whose keys may be of any length.
Error Shortened(Error error) {
  constexpr size_t kMaxMessageBytes = 600;
  if (error.message.size() <= kMaxMessageBytes) return error;
  error.message.resize(kMaxMessageBytes);
  error.message = Repaired(error.message) + " ...";
  return error;
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::FromJson(std::string_view tokenizer_json, std::string_view where) {
  auto spec = ReadTokenizerJson(tokenizer_json, where);
  if (!spec) return tl::unexpected(Shortened(std::move(spec.error())));
  auto tables = BuildTables(std::move(*spec), where);
  if (!tables) return tl::unexpected(Shortened(std::move(tables.error())));
  return Tokenizer(std::unique_ptr<const Parts>(new Parts{std::move(*tables)}));
}

std::vector<TokenId> Tokenizer::Encode(std::string_view text, bool parse_special,
                                       EncodeStats* stats) const {
  return EncodeWith(parts_->tables, text, {{0, text.size()}}, parse_special, stats);
}

std::vector<TokenId> Tokenizer::Encode(const TypedText& text, EncodeStats* stats) const {
  return EncodeWith(parts_->tables, text.text, text.TrustedSpans(), /*parse_special=*/true, stats);
}

std::string Tokenizer::Decode(std::span<const TokenId> ids, bool skip_special) const {
  std::string bytes;
  for (const TokenId id : ids) {
    if (!skip_special || !IsSpecial(id)) bytes += BytesOf(id);
  }
  return IsUtf8(bytes) ? bytes : Repaired(bytes);
}

int32_t Tokenizer::vocab_size() const { return parts_->tables.vocabulary.num_ids(); }

std::optional<TokenId> Tokenizer::IdOf(std::string_view token) const {
  const TokenizerTables& tables = parts_->tables;
  if (const AddedToken* added = tables.raw_added.Of(token)) return added->id;
  std::string buffer;
  const std::string_view normalized = IsUtf8(token) && tables.nfc ? ToNfc(token, buffer) : token;
  if (const AddedToken* added = tables.normalized_added.Of(normalized)) return added->id;
  return tables.vocabulary.IdOf(token);
}

std::string_view Tokenizer::BytesOf(TokenId id) const {
  return parts_->tables.vocabulary.BytesOf(id);
}

bool Tokenizer::IsSpecial(TokenId id) const {
  const std::vector<TokenId>& special = parts_->tables.special_ids;
  return std::binary_search(special.begin(), special.end(), id);
}

}  // namespace weir
