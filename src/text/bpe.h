// SPDX-License-Identifier: Apache-2.0
//
// Byte-pair encoding of one piece of text: its bytes become tokens, then the two neighbours of the
// best rank merge, leftmost first, until no pair has a rank.
#ifndef WEIR_TEXT_BPE_H_
#define WEIR_TEXT_BPE_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

namespace weir {

// Which two tokens merge, in which order of preference, and into what.
class MergeTable {
 public:
  struct Merge {
    uint32_t rank = kNoRank;  // the lower, the earlier
    TokenId id = -1;
  };
  static constexpr uint32_t kNoRank = UINT32_MAX;

  explicit MergeTable(size_t num_merges);

  // A pair given twice keeps the later rank, as in Hugging Face tokenizers.
  Status Add(TokenId left, TokenId right, Merge merge);

  Merge Find(TokenId left, TokenId right) const;

 private:
  static constexpr uint64_t kNoPair = UINT64_MAX;  // ids are not negative
  struct Slot {
    uint64_t pair = kNoPair;
    Merge merge;
  };

  std::vector<Slot> slots_;  // open addressing, linear probing, at most half full
};

// Memory that one Encode call uses again for each piece, and what the merging cost.
struct BpeScratch {
  struct Symbol {
    TokenId id;
    int32_t prev;             // -1 at the start
    int32_t next;             // -1 at the end; kGone when merged into the one before
    MergeTable::Merge merge;  // with the next
  };
  static constexpr int32_t kGone = -2;

  std::vector<Symbol> symbols;
  std::vector<uint64_t> heap;  // rank << 32 | symbol
  int64_t num_steps = 0;       // looks into the merge table and moves in the heap
};

class Bpe {
 public:
  // What a byte that has no token becomes.
  struct Unknown {
    TokenId id;
    bool fuse;  // neighbours become one
  };

  // `byte_ids[b]` is the token of byte b, or -1. Requires: `unknown` is given when one is -1.
  Bpe(std::array<TokenId, 256> byte_ids, std::optional<Unknown> unknown, MergeTable merges)
      : byte_ids_(byte_ids), unknown_(unknown), merges_(std::move(merges)) {}

  // Appends the tokens of `piece`. O(n log n) steps. Requires: fewer than 2^31 bytes.
  void Encode(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& out) const;

 private:
  void SplitBytes(std::string_view piece, BpeScratch& scratch) const;
  void MergeShort(BpeScratch& scratch) const;
  void MergeLong(BpeScratch& scratch) const;
  void FindMerge(BpeScratch& scratch, int32_t symbol) const;

  std::array<TokenId, 256> byte_ids_;
  std::optional<Unknown> unknown_;
  MergeTable merges_;
};

}  // namespace weir

#endif  // WEIR_TEXT_BPE_H_
