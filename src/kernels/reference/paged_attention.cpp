// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/reference/reference.h"

namespace weir::reference {
namespace {

struct Head {
  const PagedAttentionArgs& args;
  int32_t seq;
  int32_t kv_head;

  int64_t PageOffset(int32_t token) const {
    const KvPages& kv = args.kv;
    const int32_t page = args.pages[args.page_begin[seq] + token / kv.page_len];
    return (int64_t{page} * kv.num_kv_heads + kv_head) * kv.page_len * kv.head_dim;
  }
  float Key(int32_t token, int32_t i) const {
    const int32_t t = token % args.kv.page_len;
    const int32_t d = args.kv.head_dim;
    return ToFloat(args.kv.k[PageOffset(token) +
                             ((int64_t{t / 16} * (d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2]);
  }
  float Value(int32_t token, int32_t i) const {
    const int32_t t = token % args.kv.page_len;
    return ToFloat(
        args.kv.v[PageOffset(token) + (int64_t{t / 2} * args.kv.head_dim + i) * 2 + t % 2]);
  }
};

// Softmax(q K^T scale) V over the first `visible` tokens, in two passes and double precision.
void AttendRow(const Head& head, const Bf16* q, int32_t visible, Bf16* out) {
  const int32_t d = head.args.kv.head_dim;
  std::vector<double> weight(visible);
  double largest = -std::numeric_limits<double>::infinity();
  for (int32_t t = 0; t < visible; ++t) {
    double score = 0;
    for (int32_t i = 0; i < d; ++i) score += double{ToFloat(q[i])} * head.Key(t, i);
    weight[t] = score * head.args.scale;
    largest = std::max(largest, weight[t]);
  }
  double sum = 0;
  for (double& w : weight) sum += w = std::exp(w - largest);
  for (int32_t i = 0; i < d; ++i) {
    double value = 0;
    for (int32_t t = 0; t < visible; ++t) value += weight[t] * head.Value(t, i);
    out[i] = ToBf16(visible > 0 ? static_cast<float>(value / sum) : 0.0f);
  }
}

}  // namespace

void PagedAttention(const PagedAttentionArgs& args, Stream) {
  const int32_t d = args.kv.head_dim;
  const int32_t group = args.num_q_heads / args.kv.num_kv_heads;
  for (int32_t n = 0; n < args.num_items; ++n) {
    const AttnItem& item = args.items[n];
    const int32_t first_row = args.row_begin[item.seq];
    const int32_t q_len = args.row_begin[item.seq + 1] - first_row;
    const Head head{args, item.seq, item.kv_head};
    for (int32_t r = item.q_begin; r < item.q_end; ++r) {
      const int32_t visible = args.kv_len[item.seq] - q_len + r + 1;
      for (int32_t g = 0; g < group; ++g) {
        const int64_t at =
            (int64_t{first_row + r} * args.num_q_heads + item.kv_head * group + g) * d;
        AttendRow(head, args.q + at, visible, args.out + at);
      }
    }
  }
}

}  // namespace weir::reference
