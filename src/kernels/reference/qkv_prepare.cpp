// SPDX-License-Identifier: Apache-2.0
#include <cmath>
#include <vector>

#include "kernels/reference/reference.h"

namespace weir::reference {
namespace {

// One head of one row: norm, then rotation, in place.
void NormAndRotate(const QkvPrepareArgs& args, const float* norm, int32_t position,
                   std::vector<float>& head) {
  const int32_t d = args.kv.head_dim;
  if (norm != nullptr) {
    double sum = 0;
    for (int32_t i = 0; i < d; ++i) sum += double{head[i]} * head[i];
    const double scale = 1.0 / std::sqrt(sum / d + args.eps);
    for (int32_t i = 0; i < d; ++i) head[i] = static_cast<float>(head[i] * scale * norm[i]);
  }
  const int32_t half = args.rope_dim / 2;
  const float* cosines = args.cos_sin + int64_t{position} * args.rope_dim;
  const float* sines = cosines + half;
  for (int32_t i = 0; i < half; ++i) {
    const float a = head[i];
    const float b = head[i + half];
    head[i] = a * cosines[i] - b * sines[i];
    head[i + half] = b * cosines[i] + a * sines[i];
  }
}

void Append(const KvPages& kv, int32_t head, int32_t slot, const std::vector<float>& k,
            const float* v) {
  const int32_t d = kv.head_dim;
  const int32_t s = kv.page_len;
  const int64_t page_and_head = int64_t{slot / s} * kv.num_kv_heads + head;
  const int32_t t = slot % s;
  Bf16* k_page = kv.k + page_and_head * s * d;
  Bf16* v_page = kv.v + page_and_head * s * d;
  if (t == 0) {
    for (int64_t i = 0; i < int64_t{s} * d; ++i) v_page[i] = Bf16{0};
  }
  for (int32_t i = 0; i < d; ++i) {
    k_page[((int64_t{t / 16} * (d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2] = ToBf16(k[i]);
    v_page[(int64_t{t / 2} * d + i) * 2 + t % 2] = ToBf16(v[i]);
  }
}

}  // namespace

void QkvPrepare(const QkvPrepareArgs& args, Stream) {
  const int32_t d = args.kv.head_dim;
  const int32_t hq = args.num_q_heads;
  const int32_t hkv = args.kv.num_kv_heads;
  std::vector<float> head(d);
  for (int32_t r = 0; r < args.rows; ++r) {
    const float* row = args.qkv + int64_t{r} * (hq + 2 * hkv) * d;
    for (int32_t h = 0; h < hq; ++h) {
      head.assign(row + int64_t{h} * d, row + int64_t{h + 1} * d);
      NormAndRotate(args, args.q_norm, args.positions[r], head);
      for (int32_t i = 0; i < d; ++i) args.q_out[(int64_t{r} * hq + h) * d + i] = ToBf16(head[i]);
    }
    if (args.kv_slot[r] < 0) continue;
    for (int32_t h = 0; h < hkv; ++h) {
      const float* k = row + int64_t{hq + h} * d;
      const float* v = row + int64_t{hq + hkv + h} * d;
      head.assign(k, k + d);
      NormAndRotate(args, args.k_norm, args.positions[r], head);
      Append(args.kv, h, args.kv_slot[r], head, v);
    }
  }
}

}  // namespace weir::reference
