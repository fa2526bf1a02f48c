// SPDX-License-Identifier: Apache-2.0
#include "attention/shared_prefix.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>
#include <random>
#include <set>
#include <vector>

namespace weir {
namespace {

using Table = std::vector<int32_t>;

// A node by what it is rather than where it stands.
struct Node {
  std::vector<int32_t> members;
  int32_t page_begin;
  int32_t page_end;
  friend bool operator<(const Node& a, const Node& b) {
    return std::tie(a.members, a.page_begin, a.page_end) <
           std::tie(b.members, b.page_begin, b.page_end);
  }
  friend bool operator==(const Node& a, const Node& b) { return !(a < b) && !(b < a); }
};

// Owns page tables as a batch lists them.
class Tables {
 public:
  explicit Tables(const std::vector<Table>& tables) : row_begin_(tables.size() + 1) {
    std::iota(row_begin_.begin(), row_begin_.end(), 0);
    for (const Table& table : tables) {
      kv_len_.push_back(16 * static_cast<int32_t>(table.size()));
      pages_.insert(pages_.end(), table.begin(), table.end());
      page_begin_.push_back(static_cast<int32_t>(pages_.size()));
    }
  }
  AttnBatch view() const {
    return {.row_begin = row_begin_, .kv_len = kv_len_, .pages = pages_, .page_begin = page_begin_};
  }

 private:
  std::vector<int32_t> row_begin_, kv_len_, pages_, page_begin_{0};
};

std::vector<int32_t> All(size_t count) {
  std::vector<int32_t> seqs(count);
  std::iota(seqs.begin(), seqs.end(), 0);
  return seqs;
}

std::vector<int32_t> MembersOf(const SharedPrefix& prefix, const SharedNode& node) {
  const auto order = prefix.order().subspan(node.first, node.count);
  std::vector<int32_t> members(order.begin(), order.end());
  std::sort(members.begin(), members.end());
  return members;
}

// What Find lists, with the promises of the header about order checked on the way.
std::set<Node> Found(SharedPrefix& prefix, const std::vector<Table>& tables,
                     const std::vector<int32_t>& seqs) {
  const Tables batch(tables);
  prefix.Find(batch.view(), seqs);
  std::set<Node> nodes;
  for (size_t i = 0; i < prefix.nodes().size(); ++i) {
    const SharedNode& node = prefix.nodes()[i];
    EXPECT_GE(node.count, 2);
    EXPECT_LT(node.page_begin, node.page_end);
    EXPECT_LT(node.parent, static_cast<int32_t>(i)) << "parents stand earlier";
    if (node.parent >= 0) {
      const SharedNode& parent = prefix.nodes()[node.parent];
      EXPECT_EQ(node.page_begin, parent.page_end);
      EXPECT_GE(node.first, parent.first);
      EXPECT_LE(node.first + node.count, parent.first + parent.count);
    } else {
      EXPECT_EQ(node.page_begin, 0);
    }
    const bool added =
        nodes.insert({MembersOf(prefix, node), node.page_begin, node.page_end}).second;
    EXPECT_TRUE(added) << "each node once";
  }
  return nodes;
}

bool StartsWith(const Table& table, const Table& begin, size_t pages) {
  return table.size() >= pages && begin.size() >= pages &&
         std::equal(begin.begin(), begin.begin() + pages, table.begin());
}

// By its definition: where any two sequences part is the end of a node.
std::set<Node> ByDefinition(const std::vector<Table>& tables, const std::vector<int32_t>& seqs) {
  std::set<std::pair<int32_t, std::vector<int32_t>>> ends;  // of a node, and its members
  for (const int32_t a : seqs) {
    for (const int32_t b : seqs) {
      int32_t common = 0;
      while (a < b && StartsWith(tables[a], tables[b], common + 1)) ++common;
      if (common == 0) continue;
      std::vector<int32_t> members;
      for (const int32_t c : seqs) {
        if (StartsWith(tables[c], tables[a], common)) members.push_back(c);
      }
      std::sort(members.begin(), members.end());
      ends.insert({common, members});
    }
  }
  std::set<Node> nodes;
  for (const auto& [end, members] : ends) {
    int32_t begin = 0;
    for (const auto& [above, others] : ends) {
      const bool holds =
          std::includes(others.begin(), others.end(), members.begin(), members.end());
      if (above < end && holds) begin = std::max(begin, above);
    }
    nodes.insert({members, begin, end});
  }
  return nodes;
}

TEST(SharedPrefixTest, ListsWhatIsShared) {
  SharedPrefix prefix(8);
  const std::vector<Table> tables = {{1, 2, 3, 4}, {9}, {1, 2, 5}, {1, 2, 3, 7}, {8, 2, 3, 4}};
  EXPECT_EQ(Found(prefix, tables, All(5)), (std::set<Node>{{{0, 2, 3}, 0, 2}, {{0, 3}, 2, 3}}));
  EXPECT_EQ(Found(prefix, tables, {4, 3, 2}), (std::set<Node>{{{2, 3}, 0, 2}}))
      << "only the sequences asked for";
}

TEST(SharedPrefixTest, NothingIsShared) {
  SharedPrefix prefix(8);
  EXPECT_TRUE(Found(prefix, {}, {}).empty());
  EXPECT_TRUE(Found(prefix, {{1, 2}}, {0}).empty());
  EXPECT_TRUE(Found(prefix, {{1, 2}, {2, 1}, {3, 2}}, All(3)).empty());
  EXPECT_TRUE(Found(prefix, {{}, {}, {5}, {}}, All(4)).empty()) << "sequences without pages";
  const AttnBatch without_pages = {.row_begin = {}, .kv_len = {}};
  prefix.Find(without_pages, {});
  EXPECT_TRUE(prefix.nodes().empty());
}

TEST(SharedPrefixTest, ATableMayEndWithinAnother) {
  SharedPrefix prefix(8);
  EXPECT_EQ(Found(prefix, {{1, 2, 3}, {1, 2}, {1}}, All(3)),
            (std::set<Node>{{{0, 1, 2}, 0, 1}, {{0, 1}, 1, 2}}));
  EXPECT_EQ(Found(prefix, {{1, 2}, {1, 2}, {1, 2}}, All(3)), (std::set<Node>{{{0, 1, 2}, 0, 2}}));
}

// Equal pages behind different ones are not a prefix, whatever they hold.
TEST(SharedPrefixTest, OnlyBeginningsCount) {
  SharedPrefix prefix(8);
  EXPECT_EQ(Found(prefix, {{1, 2, 3}, {4, 2, 3}, {4, 2, 9}}, All(3)),
            (std::set<Node>{{{1, 2}, 0, 2}}));
}

// As deep as a tree of so many sequences gets.
TEST(SharedPrefixTest, AChainOfManySequences) {
  constexpr int32_t kSeqs = 300;
  std::vector<Table> tables;
  for (int32_t i = 0; i < kSeqs; ++i) {
    Table table(static_cast<size_t>(i) + 1);
    std::iota(table.begin(), table.end(), 0);
    table.push_back(1000 + i);
    tables.push_back(table);
  }
  SharedPrefix prefix(kSeqs);
  EXPECT_EQ(Found(prefix, tables, All(kSeqs)).size(), size_t{kSeqs} - 1);
}

TEST(SharedPrefixTest, IsTheRadixTreeOfRandomTables) {
  std::mt19937 random(8);
  SharedPrefix prefix(24);
  int64_t num_nodes = 0;
  for (int i = 0; i < 3000; ++i) {
    const uint32_t alphabet = 1 + random() % 4;
    const uint32_t longest = 1 + random() % 40;
    std::vector<Table> tables(1 + random() % 24);
    for (Table& table : tables) {
      // Half of them go on from where another one is cut.
      if (random() % 2 == 0) table = tables[random() % tables.size()];
      table.resize(table.size() / 2);
      for (uint32_t n = random() % longest; n > 0; --n) {
        table.push_back(static_cast<int32_t>(random() % alphabet));
      }
    }
    std::vector<int32_t> seqs = All(tables.size());
    std::shuffle(seqs.begin(), seqs.end(), random);
    seqs.resize(1 + random() % seqs.size());
    const std::set<Node> nodes = Found(prefix, tables, seqs);
    ASSERT_EQ(nodes, ByDefinition(tables, seqs)) << "tables " << i;
    num_nodes += std::ssize(nodes);
  }
  EXPECT_GT(num_nodes, 3000);
}

// The same tables in another order give the same tree with the same members.
TEST(SharedPrefixTest, TheOrderOfSequencesDoesNotMatter) {
  std::mt19937 random(9);
  const std::vector<Table> tables = {{1, 2, 3}, {1, 2, 3}, {1, 2}, {1, 4, 5}, {1, 4}, {6}, {6, 7}};
  SharedPrefix prefix(8);
  const std::set<Node> wanted = Found(prefix, tables, All(7));
  std::vector<int32_t> seqs = All(7);
  for (int i = 0; i < 100; ++i) {
    std::shuffle(seqs.begin(), seqs.end(), random);
    ASSERT_EQ(Found(prefix, tables, seqs), wanted);
  }
}

}  // namespace
}  // namespace weir
