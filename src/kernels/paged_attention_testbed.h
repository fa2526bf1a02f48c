// SPDX-License-Identifier: Apache-2.0
//
// What the tests of paged attention share: batches that put content into pages, and plans that cut
// the work in all the ways a planner may.
#ifndef WEIR_KERNELS_PAGED_ATTENTION_TESTBED_H_
#define WEIR_KERNELS_PAGED_ATTENTION_TESTBED_H_

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/paged_attention_oracle.h"
#include "tensor/buffer.h"

namespace weir {

struct Plan {
  std::vector<AttnItem> items;
  std::vector<AttnMerge> merges;
  std::vector<AttnMember> members;
  int32_t segment_len = 0;

  int64_t NumSlotRows(int32_t group) const;
  void Shuffle(std::mt19937& random) { std::shuffle(items.begin(), items.end(), random); }
};

// How RandomCuts cuts.
struct Cuts {
  int32_t segment_len = 0;
  int32_t most_items = 4;  // per range of rows; 1: only row ranges are random
  bool cut_rows = true;
};

// One call: the sequences' last q_len positions are new. Pages are shuffled; pages of nobody, the
// tails of keys, slots and `out` hold NaN until they are written, the tails of values zero.
class Batch {
 public:
  Batch(const AttnTestShape& shape, uint32_t seed, Bf16 poison = kPoison)
      : shape_(shape), random_(seed), poison_(poison) {}

  AttnFeatures features;

  // The first `kv_len` positions of `content`, the last `q_len` of them new. Of these, the pages of
  // the first `shared` positions are those of the sequence added first.
  void Add(const Content& content, Sequence seq, int32_t shared = 0);

  // Items of at most `rows` query rows, each with all its keys.
  Plan Direct(int32_t rows = 1 << 30) const;
  Plan RandomCuts(const Cuts& cuts, std::mt19937& random) const;
  // All sequences read their first `shared` tokens in common items, cut like the rest.
  Plan SharedPrefix(int32_t shared, const Cuts& cuts, std::mt19937& random) const;

  // Expects counters to be zero afterwards, and nothing beyond the slots to be written.
  std::vector<Bf16> Run(const KernelTable& table, const Plan& plan, ThreadPool* pool = nullptr);
  std::vector<Bf16> Run(const KernelTable& table) { return Run(table, Direct()); }

  // Asserts that every row of `out` is right, within what rounding may do.
  void ExpectRight(const std::vector<Bf16>& out) const;

  // Puts the sequences into pages; Run does it where it has not been done. After it the lengths and
  // pages can be planned with.
  void Place();
  const std::vector<int32_t>& row_begin() const { return row_begin_; }
  const std::vector<int32_t>& kv_len() const { return kv_len_; }
  const std::vector<int32_t>& pages() const { return pages_; }
  const std::vector<int32_t>& page_begin() const { return page_begin_; }

  const AttnTestShape& shape() const { return shape_; }
  float scale() const { return 1.0f / std::sqrt(static_cast<float>(shape_.d)); }
  int64_t row_length() const { return int64_t{shape_.hq} * shape_.d; }
  // Of the sequence's first new row in `out`, in elements.
  int64_t OutBegin(int32_t seq) const { return row_begin_[seq] * row_length(); }

 private:
  int32_t num_seqs() const { return static_cast<int32_t>(seqs_.size()); }
  void FillPage(const Content& content, int32_t first_position, int32_t page, int32_t head);
  void CutRows(int32_t seq, int32_t head, int32_t q_begin, int32_t q_end, const Cuts& cuts,
               std::mt19937& random, Plan& plan) const;
  int32_t KeysEnd(int32_t seq, int32_t q_end) const;

  AttnTestShape shape_;
  std::mt19937 random_;
  Bf16 poison_;
  std::vector<const Content*> contents_;
  std::vector<Sequence> seqs_;
  std::vector<int32_t> shared_;
  std::vector<Bf16> q_;
  std::vector<char> k_, v_;
  std::vector<float> k_scale_, v_scale_;
  std::vector<int32_t> row_begin_{0}, kv_len_, pages_, page_begin_{0};
  Buffer slots_;
  std::vector<int32_t> counters_;
};

}  // namespace weir

#endif  // WEIR_KERNELS_PAGED_ATTENTION_TESTBED_H_
