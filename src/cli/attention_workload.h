// SPDX-License-Identifier: Apache-2.0
//
// Attention of one layer to be timed on this machine: synthetic keys and values in pages that no
// cache holds, steps laid over them, and what a policy plans for a step.
//
//   AttentionData data   the pages, queries and output of one head shape
//   AttentionStep step   lengths, laid over the pages as many times as they have room for
//   AttentionCall call   a step as a policy plans it; each run takes the step's next copy
#ifndef WEIR_CLI_ATTENTION_WORKLOAD_H_
#define WEIR_CLI_ATTENTION_WORKLOAD_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <weir/result.h>

#include "attention/attn_workspace.h"
#include "attention/planner.h"
#include "base/thread_pool.h"
#include "kernels/kernel_table.h"
#include "kv/kv_store.h"
#include "tensor/buffer.h"

namespace weir {

inline constexpr int32_t kWorkloadPageLen = 16;  // tokens

// New tokens, and all tokens after them, of one sequence.
struct SeqLengths {
  int32_t q_len;
  int32_t kv_len;

  bool decode() const { return q_len == 1; }
};

// Keys and values that a sequence reads, once each, as they are stored.
double KvBytes(const AttnShape& shape, const SeqLengths& seq);
// Of the visible part only.
double AttentionFlops(const AttnShape& shape, const SeqLengths& seq);

// What the largest step needs of the data.
struct WorkloadSize {
  int64_t kv_tokens = 0;  // in whole pages
  int64_t new_tokens = 0;

  void Cover(std::span<const SeqLengths> seqs);
};

class AttentionData {
 public:
  // Pages for twice the largest step, and at least 256 MB and four times the last-level cache.
  // Written by `pool`, so no first touch is timed later.
  static Result<AttentionData> Make(const AttnShape& shape, const WorkloadSize& largest,
                                    ThreadPool& pool);

  const AttnShape& shape() const { return shape_; }
  int64_t num_pages() const { return static_cast<int64_t>(pages_.size()); }

 private:
  friend class AttentionCall;
  AttentionData(const AttnShape& shape, KvStore store, Buffer q, Buffer out);

  AttnShape shape_;
  KvStore store_;  // of one layer
  Buffer q_, out_;
  std::vector<int32_t> pages_;  // all, in random order
};

inline constexpr int64_t kAllCopies = std::numeric_limits<int64_t>::max();

class AttentionStep {
 public:
  // Requires: the data were made for a step at least this large. With one copy a step's keys may
  // stay in a cache.
  AttentionStep(const AttentionData& data, std::vector<SeqLengths> seqs,
                int64_t max_copies = kAllCopies);

  const std::vector<SeqLengths>& seqs() const { return seqs_; }
  int64_t num_copies() const { return num_copies_; }
  // Pages are left out: no two sequences share any.
  AttnBatch batch() const;
  PlannerLimits limits() const;

 private:
  friend class AttentionCall;

  std::vector<SeqLengths> seqs_;
  std::vector<int32_t> row_begin_, kv_len_, page_begin_;
  int64_t num_copies_;
  int64_t next_copy_ = 0;
};

class AttentionCall {
 public:
  // Data and step must outlive the call.
  static Result<AttentionCall> Make(const AttentionData& data, AttentionStep& step,
                                    const DeviceProfile& device, const AttnPolicy& policy);

  const AttnPlan& plan() const { return plan_; }
  // Whether both do the same work in the same order.
  bool SamePlan(const AttentionCall& other) const;

  void Run(const KernelTable& table, ThreadPool& pool);
  // Of one run, on the clock of the wall.
  double Seconds(const KernelTable& table, ThreadPool& pool);

 private:
  AttentionCall(const AttentionData& data, AttentionStep& step, std::unique_ptr<Planner> planner,
                AttnWorkspace workspace);

  const AttentionData* data_;
  AttentionStep* step_;
  std::unique_ptr<Planner> planner_;  // owns the plan's memory
  AttnWorkspace workspace_;
  AttnPlan plan_;
};

}  // namespace weir

#endif  // WEIR_CLI_ATTENTION_WORKLOAD_H_
