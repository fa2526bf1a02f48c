// SPDX-License-Identifier: Apache-2.0
#include "text/bpe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace weir {
namespace {

using testing::ElementsAre;
using Merge = MergeTable::Merge;
using Merges = std::map<std::pair<TokenId, TokenId>, Merge>;

std::array<TokenId, 256> ByteIds() {
  std::array<TokenId, 256> ids;
  for (int byte = 0; byte < 256; ++byte) ids[byte] = byte;
  return ids;
}

MergeTable TableOf(const Merges& merges) {
  MergeTable table(merges.size());
  for (const auto& [pair, merge] : merges) {
    EXPECT_TRUE(table.Add(pair.first, pair.second, merge));
  }
  return table;
}

std::vector<TokenId> Encode(const Bpe& bpe, std::string_view piece) {
  BpeScratch scratch;
  std::vector<TokenId> ids;
  bpe.Encode(piece, scratch, ids);
  return ids;
}

// The definition: the best rank anywhere, leftmost of these, until there is none.
std::vector<TokenId> Reference(const Merges& merges, std::string_view piece) {
  std::vector<TokenId> ids;
  for (const char c : piece) ids.push_back(static_cast<unsigned char>(c));
  for (;;) {
    Merge best;
    size_t place = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto it = merges.find({ids[i], ids[i + 1]});
      if (it == merges.end() || it->second.rank >= best.rank) continue;
      best = it->second;
      place = i;
    }
    if (best.id < 0) return ids;
    ids[place] = best.id;
    ids.erase(ids.begin() + place + 1);
  }
}

TEST(Bpe, TheLowerRankMergesFirst) {
  const Bpe bpe(ByteIds(), {}, TableOf({{{'b', 'c'}, {0, 300}}, {{'a', 'b'}, {1, 301}}}));
  EXPECT_THAT(Encode(bpe, "abc"), ElementsAre('a', 300));
  EXPECT_THAT(Encode(bpe, "ab"), ElementsAre(301));
  EXPECT_THAT(Encode(bpe, ""), ElementsAre());
}

TEST(Bpe, OfEqualRanksTheLeftmostMergesFirst) {
  const Bpe bpe(ByteIds(), {}, TableOf({{{'a', 'a'}, {0, 300}}}));
  EXPECT_THAT(Encode(bpe, "aaa"), ElementsAre(300, 'a'));
  EXPECT_THAT(Encode(bpe, "aaaa"), ElementsAre(300, 300));
}

TEST(Bpe, AByteWithoutTokenIsUnknown) {
  auto ids = ByteIds();
  ids['x'] = -1;
  const Bpe each(ids, Bpe::Unknown{7, false}, MergeTable(0));
  EXPECT_THAT(Encode(each, "xxaxx"), ElementsAre(7, 7, 'a', 7, 7));
  const Bpe fused(ids, Bpe::Unknown{7, true}, MergeTable(0));
  EXPECT_THAT(Encode(fused, "xxaxx"), ElementsAre(7, 'a', 7));
  EXPECT_THAT(Encode(fused, std::string(100, 'x')), ElementsAre(7));
}

TEST(MergeTable, TheLaterOfTwoEqualPairsCounts) {
  MergeTable table(2);
  ASSERT_TRUE(table.Add(1, 2, {0, 10}));
  ASSERT_TRUE(table.Add(1, 2, {1, 10}));
  EXPECT_EQ(table.Find(1, 2).rank, 1u);
  EXPECT_EQ(table.Find(2, 1).rank, MergeTable::kNoRank);
  EXPECT_EQ(MergeTable(0).Find(0, 0).id, -1);
}

// Merges in no natural order: a pair of low rank may become possible only through one of high rank.
TEST(Bpe, EqualsTheDefinitionForRandomMergesAtAnyLength) {
  std::mt19937 random(1);
  for (int round = 0; round < 60; ++round) {
    Merges merges;
    std::vector<TokenId> tokens = {'a', 'b', 'c'};
    std::vector<uint32_t> ranks(40);
    for (size_t i = 0; i < ranks.size(); ++i) ranks[i] = static_cast<uint32_t>(i);
    std::shuffle(ranks.begin(), ranks.end(), random);
    for (const uint32_t rank : ranks) {
      const std::pair pair(tokens[random() % tokens.size()], tokens[random() % tokens.size()]);
      const TokenId id = 1000 + static_cast<TokenId>(tokens.size());
      if (merges.emplace(pair, Merge{rank, id}).second) tokens.push_back(id);
    }
    const Bpe bpe(ByteIds(), {}, TableOf(merges));
    // 32 symbols is where the search for the best pair gives way to a heap.
    for (const size_t len : {1, 2, 3, 7, 31, 32, 33, 34, 100, 300}) {
      std::string piece;
      for (size_t i = 0; i < len; ++i) piece += "abc"[random() % (round % 3 + 1)];
      EXPECT_EQ(Encode(bpe, piece), Reference(merges, piece)) << piece;
    }
  }
}

TEST(Bpe, ALongRunCostsAFewStepsPerByte) {
  // a+a, aa+aa, ... up to 64 letters, as vocabularies have them.
  Merges merges;
  TokenId last = 'a';
  for (uint32_t rank = 0; rank < 6; ++rank) {
    const TokenId id = 300 + static_cast<TokenId>(rank);
    merges[{last, last}] = {rank, id};
    last = id;
  }
  const Bpe bpe(ByteIds(), {}, TableOf(merges));
  const std::string piece(1 << 20, 'a');
  BpeScratch scratch;
  std::vector<TokenId> ids;
  bpe.Encode(piece, scratch, ids);
  EXPECT_EQ(ids, std::vector<TokenId>(piece.size() / 64, last));
  // Per byte: one look-up and one move out of the heap to begin with. Each merge, of which there
  // are fewer than bytes, makes two look-ups, and at most two moves in and two out.
  EXPECT_LE(scratch.num_steps, static_cast<int64_t>(8 * piece.size()));
}

}  // namespace
}  // namespace weir
