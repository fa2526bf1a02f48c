// SPDX-License-Identifier: Apache-2.0
#include "cli/attention_workload.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <utility>

#include "base/check.h"
#include "base/clock.h"
#include "base/error.h"
#include "engine/engine_options.h"
#include "tensor/ceilings.h"

namespace weir {
namespace {

constexpr int64_t kMinKvBytes = int64_t{256} << 20;

int64_t NumPages(int64_t tokens) { return (tokens + kWorkloadPageLen - 1) / kWorkloadPageLen; }

KvShape StoreShape(const AttnShape& shape) {
  return {.num_layers = 1,
          .num_kv_heads = shape.num_kv_heads,
          .head_dim = shape.head_dim,
          .page_len = kWorkloadPageLen,
          .dtype = shape.kv_dtype};
}

uint32_t NextRandom(uint32_t& state) { return state = state * 1664525 + 1013904223; }

// Normal numbers of both signs between 2^-3 and 2^-2: neither zeros nor subnormals flatter a time.
void FillBf16(Bf16* to, int64_t count, ThreadPool& pool) {
  pool.ForRanges(count, 4096, [&](int64_t begin, int64_t end, int32_t) {
    auto state = static_cast<uint32_t>(begin);
    for (int64_t i = begin; i < end; ++i) {
      to[i] = {static_cast<uint16_t>(((NextRandom(state) >> 16) & 0x807F) | 0x3E00)};
    }
  });
}

void FillInt8(int8_t* to, int64_t count, ThreadPool& pool) {
  pool.ForRanges(count, 4096, [&](int64_t begin, int64_t end, int32_t) {
    auto state = static_cast<uint32_t>(begin);
    for (int64_t i = begin; i < end; ++i) {
      to[i] = static_cast<int8_t>(static_cast<int>((NextRandom(state) >> 16) % 255) - 127);
    }
  });
}

void FillScales(float* to, int64_t count, ThreadPool& pool) {
  pool.ForRanges(count, 4096, [&](int64_t begin, int64_t end, int32_t) {
    std::fill(to + begin, to + end, 1.0f / 512);
  });
}

void Fill(const KvStore& store, ThreadPool& pool) {
  const KvPages kv = store.Layer(0);
  const int64_t tokens = int64_t{store.num_pages()} * kv.page_len * kv.num_kv_heads;
  for (void* side : {kv.k, kv.v}) {
    if (kv.dtype == KvDType::kInt8) {
      FillInt8(static_cast<int8_t*>(side), tokens * kv.head_dim, pool);
    } else {
      FillBf16(static_cast<Bf16*>(side), tokens * kv.head_dim, pool);
    }
  }
  for (float* scales : {kv.k_scale, kv.v_scale}) {
    if (scales != nullptr) FillScales(scales, tokens, pool);
  }
}

Status CheckMemory(int64_t bytes) {
  const int64_t available = AvailableMemoryBytes();
  if (bytes <= available) return Ok();
  return Err(Code::kOutOfMemory, "attention workload: ", HumanBytes(bytes),
             " of keys, values, queries and output, wanted at most the ", HumanBytes(available),
             " that are free");
}

}  // namespace

double KvBytes(const AttnShape& shape, const SeqLengths& seq) {
  return static_cast<double>(seq.kv_len) * static_cast<double>(shape.num_kv_heads) *
         static_cast<double>(shape.token_bytes());
}

double AttentionFlops(const AttnShape& shape, const SeqLengths& seq) {
  const double rows = seq.q_len;
  const double visible = rows * (seq.kv_len - seq.q_len) + rows * (rows + 1) / 2;
  return 4.0 * shape.num_q_heads * shape.head_dim * visible;
}

void WorkloadSize::Cover(std::span<const SeqLengths> seqs) {
  WorkloadSize step;
  for (const SeqLengths& seq : seqs) {
    step.kv_tokens += NumPages(seq.kv_len) * kWorkloadPageLen;
    step.new_tokens += seq.q_len;
  }
  kv_tokens = std::max(kv_tokens, step.kv_tokens);
  new_tokens = std::max(new_tokens, step.new_tokens);
}

Result<AttentionData> AttentionData::Make(const AttnShape& shape, const WorkloadSize& largest,
                                          ThreadPool& pool) {
  const int64_t page_bytes = KvBytesPerPage(StoreShape(shape));
  const int64_t least_bytes = std::max(kMinKvBytes, 4 * LastLevelCacheBytes());
  const int64_t num_pages = std::max(NumPages(2 * largest.kv_tokens), least_bytes / page_bytes + 1);
  const int64_t row_bytes = int64_t{shape.num_q_heads} * shape.head_dim * 2;
  WEIR_RETURN_IF_ERROR(CheckMemory(num_pages * page_bytes + 2 * largest.new_tokens * row_bytes));
  WEIR_ASSIGN_OR_RETURN(KvStore store,
                        KvStore::Allocate(StoreShape(shape), static_cast<int32_t>(num_pages)));
  WEIR_ASSIGN_OR_RETURN(Buffer q, Buffer::Allocate(largest.new_tokens * row_bytes));
  WEIR_ASSIGN_OR_RETURN(Buffer out, Buffer::Allocate(largest.new_tokens * row_bytes));
  Fill(store, pool);
  FillBf16(q.as<Bf16>(), q.num_bytes() / 2, pool);
  FillBf16(out.as<Bf16>(), out.num_bytes() / 2, pool);
  return AttentionData(shape, std::move(store), std::move(q), std::move(out));
}

AttentionData::AttentionData(const AttnShape& shape, KvStore store, Buffer q, Buffer out)
    : shape_(shape), store_(std::move(store)), q_(std::move(q)), out_(std::move(out)) {
  pages_.resize(static_cast<size_t>(store_.num_pages()));
  std::iota(pages_.begin(), pages_.end(), 0);
  std::shuffle(pages_.begin(), pages_.end(), std::mt19937(1));
}

AttentionStep::AttentionStep(const AttentionData& data, std::vector<SeqLengths> seqs,
                             int64_t max_copies)
    : seqs_(std::move(seqs)), row_begin_{0}, page_begin_{0} {
  for (const SeqLengths& seq : seqs_) {
    row_begin_.push_back(row_begin_.back() + seq.q_len);
    kv_len_.push_back(seq.kv_len);
    page_begin_.push_back(page_begin_.back() + static_cast<int32_t>(NumPages(seq.kv_len)));
  }
  num_copies_ = std::min(max_copies, data.num_pages() / std::max(1, page_begin_.back()));
  WEIR_CHECK_GE(num_copies_, 1);
}

AttnBatch AttentionStep::batch() const {
  return {.row_begin = row_begin_, .kv_len = kv_len_, .page_len = kWorkloadPageLen};
}

PlannerLimits AttentionStep::limits() const {
  return {.max_rows = row_begin_.back(),
          .max_seqs = static_cast<int32_t>(seqs_.size()),
          .max_kv_len = *std::max_element(kv_len_.begin(), kv_len_.end())};
}

AttentionCall::AttentionCall(const AttentionData& data, AttentionStep& step,
                             std::unique_ptr<Planner> planner, AttnWorkspace workspace)
    : data_(&data),
      step_(&step),
      planner_(std::move(planner)),
      workspace_(std::move(workspace)),
      plan_(planner_->Plan(step.batch())) {}

Result<AttentionCall> AttentionCall::Make(const AttentionData& data, AttentionStep& step,
                                          const DeviceProfile& device, const AttnPolicy& policy) {
  auto planner = std::make_unique<Planner>(data.shape(), device, policy, step.limits());
  WEIR_ASSIGN_OR_RETURN(AttnWorkspace workspace,
                        AttnWorkspace::Allocate(data.shape(), planner->capacity()));
  return AttentionCall(data, step, std::move(planner), std::move(workspace));
}

bool AttentionCall::SamePlan(const AttentionCall& other) const {
  const auto same = [](const AttnItem& a, const AttnItem& b) {
    return a.seq == b.seq && a.kv_head == b.kv_head && a.q_begin == b.q_begin &&
           a.q_end == b.q_end && a.kv_begin == b.kv_begin && a.kv_end == b.kv_end &&
           (a.merge < 0) == (b.merge < 0);
  };
  const auto mine = plan_.items();
  const auto its = other.plan_.items();
  return plan_.work.segment_len == other.plan_.work.segment_len &&
         std::equal(mine.begin(), mine.end(), its.begin(), its.end(), same);
}

void AttentionCall::Run(const KernelTable& table, ThreadPool& pool) {
  const AttnShape& shape = data_->shape_;
  const int64_t copy = step_->next_copy_;
  step_->next_copy_ = (copy + 1) % step_->num_copies_;
  const PagedAttentionArgs args = {.q = data_->q_.as<Bf16>(),
                                   .out = data_->out_.as<Bf16>(),
                                   .kv = data_->store_.Layer(0),
                                   .num_q_heads = shape.num_q_heads,
                                   .scale = 1.0f / std::sqrt(static_cast<float>(shape.head_dim)),
                                   .row_begin = step_->row_begin_.data(),
                                   .kv_len = step_->kv_len_.data(),
                                   .pages = data_->pages_.data() + copy * step_->page_begin_.back(),
                                   .page_begin = step_->page_begin_.data(),
                                   .work = plan_.work,
                                   .slots = workspace_.slots(),
                                   .counters = workspace_.counters()};
  Stream stream;
  stream.pool = &pool;
  table.paged_attention(args, stream);
}

double AttentionCall::Seconds(const KernelTable& table, ThreadPool& pool) {
  const double begin = NowSeconds();
  Run(table, pool);
  return NowSeconds() - begin;
}

}  // namespace weir
