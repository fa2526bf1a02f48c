// SPDX-License-Identifier: Apache-2.0
//
// Batches and devices for the tests of planning.
#ifndef WEIR_ATTENTION_PLANNER_TEST_UTIL_H_
#define WEIR_ATTENTION_PLANNER_TEST_UTIL_H_

#include <algorithm>
#include <cstdint>
#include <vector>

#include "attention/attn_plan.h"
#include "attention/attn_shape.h"
#include "attention/device_profile.h"

namespace weir {

struct SeqLengths {
  int32_t q_len;
  int32_t kv_len;
  friend bool operator==(const SeqLengths&, const SeqLengths&) = default;
};

// Owns what an AttnBatch points to. Without pages, unless Share is called.
class TestBatch {
 public:
  explicit TestBatch(std::vector<SeqLengths> seqs) : seqs_(std::move(seqs)) {
    for (const SeqLengths& seq : seqs_) {
      row_begin_.push_back(row_begin_.back() + seq.q_len);
      kv_len_.push_back(seq.kv_len);
    }
  }

  // Gives every sequence pages of its own, but the first `num_pages` of each of `members` are those
  // of the first one (as far as it has any).
  TestBatch& Share(const std::vector<int32_t>& members, int32_t num_pages) {
    if (pages_.empty()) MakePages();
    for (const int32_t m : members) {
      const int32_t from = page_begin_[members[0]];
      for (int32_t i = 0; i < num_pages; ++i) {
        if (page_begin_[m] + i >= page_begin_[m + 1]) break;
        if (from + i >= page_begin_[members[0] + 1]) break;
        pages_[page_begin_[m] + i] = pages_[from + i];
      }
    }
    return *this;
  }

  AttnBatch view() const {
    return {.row_begin = row_begin_, .kv_len = kv_len_, .pages = pages_, .page_begin = page_begin_};
  }
  const std::vector<SeqLengths>& seqs() const { return seqs_; }

 private:
  void MakePages() {
    page_begin_ = {0};
    for (const SeqLengths& seq : seqs_) {
      page_begin_.push_back(page_begin_.back() + (seq.kv_len + 15) / 16);
    }
    for (int32_t i = 0; i < page_begin_.back(); ++i) pages_.push_back(i);
  }

  std::vector<SeqLengths> seqs_;
  std::vector<int32_t> row_begin_{0}, kv_len_, pages_, page_begin_;
};

inline std::vector<SeqLengths> Decodes(const std::vector<int32_t>& kv_lens) {
  std::vector<SeqLengths> seqs;
  for (const int32_t len : kv_lens) seqs.push_back({1, len});
  return seqs;
}

// The constants fitted to published FlashAttention-3 times on a GPU of the H200 class.
inline DeviceProfile FittedGpu() {
  DeviceProfile device = {};
  device.name = "fitted";
  device.sm_count = 132;
  device.num_workers = 264;
  device.tile_len = 128;
  device.min_payload_tiles = 1;
  device.q_tile_rows = 128;
  device.total_gb_s = 4250;
  device.worker_gb_s = 35;
  device.item_us = 1.2;
  device.launch_us = 3;
  device.merge_us = 1.5;
  device.worker_gflop_s = 2270;
  device.paged_gflop_s = 2100;
  return device;
}

inline DeviceProfile TestCpu(int32_t threads) {
  DeviceProfile device = {};
  device.name = "cpu";
  device.sm_count = threads;
  device.num_workers = threads;
  device.tile_len = 64;
  device.min_payload_tiles = 4;
  device.q_tile_rows = 64;
  device.total_gb_s = std::min(15.0 * threads, 150.0);
  device.worker_gb_s = 15;
  device.item_us = 1;
  device.launch_us = 5;
  device.merge_us = 1;
  device.worker_gflop_s = 150;
  device.paged_gflop_s = 150;
  return device;
}

inline AttnShape Qwen3_8b() { return {.num_q_heads = 32, .num_kv_heads = 8, .head_dim = 128}; }

}  // namespace weir

#endif  // WEIR_ATTENTION_PLANNER_TEST_UTIL_H_
