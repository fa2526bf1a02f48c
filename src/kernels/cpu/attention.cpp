// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/attention.h"

#include <atomic>

#include "base/check.h"
#include "kernels/cpu/parallel.h"

namespace weir::cpu {
namespace {

// Parts that an item writes, by the rule of AttnWork.
int32_t NumParts(const AttnWork& work, const AttnItem& item) {
  if (work.segment_len == 0 || item.kv_begin == 0) return 1;
  return (item.kv_end - item.kv_begin + work.segment_len - 1) / work.segment_len;
}

void CheckMerge(const AttnWork& work, const AttnItem& item, int32_t merge) {
  WEIR_CHECK(merge >= 0 && merge < work.num_merges);
  WEIR_CHECK(item.part >= 0 && item.part + NumParts(work, item) <= work.merges[merge].num_parts);
}

void CheckItem(const AttnWork& work, const AttnItem& item) {
  WEIR_CHECK(item.kv_begin >= 0 && item.kv_begin % 16 == 0 && item.kv_end >= item.kv_begin);
  WEIR_CHECK(work.segment_len == 0 || item.kv_begin % work.segment_len == 0);
  if (item.num_members == 0 && item.merge >= 0) CheckMerge(work, item, item.merge);
  for (int32_t i = 0; i < item.num_members; ++i) {
    CheckMerge(work, item, work.members[item.first_member + i].merge + item.kv_head);
  }
}

void CheckArgs(const PagedAttentionArgs& args) {
  const KvPages& kv = args.kv;
  WEIR_CHECK(kv.head_dim > 0 && kv.head_dim % 2 == 0 && kv.head_dim <= kMaxHeadDim);
  WEIR_CHECK(kv.page_len > 0 && kv.page_len % 16 == 0);
  WEIR_CHECK(args.num_q_heads % kv.num_kv_heads == 0);
  WEIR_CHECK_GT(args.scale, 0.0f);
  WEIR_CHECK(args.work.segment_len >= 0 && args.work.segment_len % 16 == 0);
  WEIR_CHECK(args.features.causal || args.features.window == 0);
}

// Acquire, so that the last one sees the parts of all; release, so that it sees this worker's.
template <const AttentionIsa& kIsa>
void Arrive(const PagedAttentionArgs& args, int32_t index) {
  const AttnMerge& merge = args.work.merges[index];
  std::atomic_ref<int32_t> counter(args.counters[index]);
  if (counter.fetch_add(1, std::memory_order_acq_rel) + 1 < merge.num_items) return;
  kIsa.merge(args, merge);
  counter.store(0, std::memory_order_relaxed);
}

template <const AttentionIsa& kIsa>
void DoItem(const PagedAttentionArgs& args, const AttnItem& item) {
  CheckItem(args.work, item);
  kIsa.attend(args, item);
  if (item.num_members == 0 && item.merge >= 0) Arrive<kIsa>(args, item.merge);
  for (int32_t i = 0; i < item.num_members; ++i) {
    Arrive<kIsa>(args, args.work.members[item.first_member + i].merge + item.kv_head);
  }
}

}  // namespace

template <const AttentionIsa& kIsa>
void PagedAttention(const PagedAttentionArgs& args, Stream stream) {
  CheckArgs(args);
  ForItems(stream, args.work.num_items, [&](int64_t i) { DoItem<kIsa>(args, args.work.items[i]); });
}

template void PagedAttention<kAttentionAvx2>(const PagedAttentionArgs&, Stream);
template void PagedAttention<kAttentionAvx512>(const PagedAttentionArgs&, Stream);

}  // namespace weir::cpu
