// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/attention.h"

#include "base/check.h"
#include "kernels/cpu/parallel.h"

namespace weir::cpu {

template <const AttentionIsa& kIsa>
void PagedAttention(const PagedAttentionArgs& args, Stream stream) {
  const KvPages& kv = args.kv;
  WEIR_CHECK(kv.head_dim > 0 && kv.head_dim % 2 == 0 && kv.head_dim <= kMaxHeadDim);
  WEIR_CHECK(kv.page_len > 0 && kv.page_len % 16 == 0);
  WEIR_CHECK(args.num_q_heads % kv.num_kv_heads == 0);
  WEIR_CHECK_GT(args.scale, 0.0f);
  ForItems(stream, args.num_items, [&](int64_t i) { kIsa.attend(args, args.items[i]); });
}

template void PagedAttention<kAttentionAvx2>(const PagedAttentionArgs&, Stream);
template void PagedAttention<kAttentionAvx512>(const PagedAttentionArgs&, Stream);

}  // namespace weir::cpu
