// SPDX-License-Identifier: Apache-2.0
#include "text/bpe.h"

#include <algorithm>
#include <bit>
#include <functional>

#include "base/error.h"
#include "text/hash.h"

namespace weir {
namespace {

// Up to here a plain search for the best pair is faster than a heap.
constexpr size_t kShortLen = 32;

uint64_t PairKey(TokenId left, TokenId right) {
  return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(size_t num_merges) : slots_(std::bit_ceil(2 * num_merges + 2)) {}

Status MergeTable::Add(TokenId left, TokenId right, Merge merge) {
  const uint64_t pair = PairKey(left, right);
  const size_t mask = slots_.size() - 1;
  size_t slot = MixBits(pair) & mask;
  for (size_t i = 0; i < kMaxProbes; ++i, slot = (slot + 1) & mask) {
    if (slots_[slot].pair != pair && slots_[slot].pair != kNoPair) continue;
    slots_[slot] = {pair, merge};
    return Ok();
  }
  return Err(Code::kInvalidModel, "too many merges of equal hash");
}

MergeTable::Merge MergeTable::Find(TokenId left, TokenId right) const {
  const uint64_t pair = PairKey(left, right);
  const size_t mask = slots_.size() - 1;
  size_t slot = MixBits(pair) & mask;
  for (size_t i = 0; i < kMaxProbes; ++i, slot = (slot + 1) & mask) {
    if (slots_[slot].pair == pair) return slots_[slot].merge;
    if (slots_[slot].pair == kNoPair) break;
  }
  return {};
}

void Bpe::Encode(std::string_view piece, BpeScratch& scratch, std::vector<TokenId>& out) const {
  SplitBytes(piece, scratch);
  if (scratch.symbols.size() <= kShortLen) {
    MergeShort(scratch);
    for (const auto& symbol : scratch.symbols) out.push_back(symbol.id);
  } else {
    MergeLong(scratch);
    for (int32_t i = 0; i != -1; i = scratch.symbols[i].next) {
      out.push_back(scratch.symbols[i].id);
    }
  }
}

// One symbol per byte, in a list, each with the merge that it could do with its neighbour.
void Bpe::SplitBytes(std::string_view piece, BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  symbols.clear();
  bool after_unknown = false;
  for (const char byte : piece) {
    TokenId id = byte_ids_[static_cast<unsigned char>(byte)];
    const bool is_unknown = id < 0;
    if (is_unknown) id = unknown_->id;
    if (is_unknown && after_unknown && unknown_->fuse) continue;
    after_unknown = is_unknown;
    const auto i = static_cast<int32_t>(symbols.size());
    symbols.push_back({id, i - 1, i + 1, {}});
  }
  if (symbols.empty()) return;
  symbols.back().next = -1;
  for (size_t i = 0; i + 1 < symbols.size(); ++i) FindMerge(scratch, static_cast<int32_t>(i));
}

void Bpe::FindMerge(BpeScratch& scratch, int32_t symbol) const {
  auto& left = scratch.symbols[symbol];
  left.merge =
      left.next < 0 ? MergeTable::Merge{} : merges_.Find(left.id, scratch.symbols[left.next].id);
  ++scratch.num_steps;
}

// Keeps the symbols dense, so that the best pair is found by looking at all.
void Bpe::MergeShort(BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  const auto rank_less = [](const BpeScratch::Symbol& a, const BpeScratch::Symbol& b) {
    return a.merge.rank < b.merge.rank;
  };
  while (symbols.size() > 1) {
    const auto best = std::min_element(symbols.begin(), symbols.end(), rank_less);
    if (best->merge.rank == MergeTable::kNoRank) return;
    best->id = best->merge.id;
    symbols.erase(best + 1);
    const auto merge_at = [&](auto it) {
      ++scratch.num_steps;
      it->merge =
          it + 1 == symbols.end() ? MergeTable::Merge{} : merges_.Find(it->id, (it + 1)->id);
    };
    merge_at(best);
    if (best != symbols.begin()) merge_at(best - 1);
  }
}

void Bpe::MergeLong(BpeScratch& scratch) const {
  auto& symbols = scratch.symbols;
  auto& heap = scratch.heap;
  const auto key = [&](int32_t i) {
    return static_cast<uint64_t>(symbols[i].merge.rank) << 32 | static_cast<uint32_t>(i);
  };
  const auto refresh = [&](int32_t i) {
    FindMerge(scratch, i);
    if (symbols[i].merge.rank == MergeTable::kNoRank) return;
    heap.push_back(key(i));
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
    ++scratch.num_steps;
  };
  heap.clear();
  for (size_t i = 0; i < symbols.size(); ++i) {
    if (symbols[i].merge.rank != MergeTable::kNoRank) heap.push_back(key(static_cast<int32_t>(i)));
  }
  std::make_heap(heap.begin(), heap.end(), std::greater<>());
  while (!heap.empty()) {
    const uint64_t top = heap.front();
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
    ++scratch.num_steps;
    const auto i = static_cast<int32_t>(top & UINT32_MAX);
    auto& left = symbols[i];
    // The entry is out of date when the symbol is gone or its merge is another by now.
    if (left.next == BpeScratch::kGone || left.merge.rank != top >> 32) continue;
    auto& right = symbols[left.next];
    left.id = left.merge.id;
    left.next = right.next;
    right.next = BpeScratch::kGone;
    if (left.next >= 0) symbols[left.next].prev = i;
    refresh(i);
    if (left.prev >= 0) refresh(left.prev);
  }
}

}  // namespace weir
