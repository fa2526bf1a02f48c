// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <cstring>
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

// The scale of a head's int8 elements; a head of next to nothing is stored as zeros.
float ScaleOf(const float* x, int32_t d) {
  float largest = 0;
  for (int32_t i = 0; i < d; ++i) largest = std::max(largest, std::abs(x[i]));
  return largest < kLeastInt8Magnitude ? 0.0f : largest / 127.0f;
}

// Element `at` of the pages; `scale` is that of its token.
void Store(const KvPages& kv, void* elements, int64_t at, float value, float scale) {
  if (kv.dtype == KvDType::kBf16) {
    static_cast<Bf16*>(elements)[at] = ToBf16(value);
  } else {
    const float whole = scale > 0 ? std::nearbyint(value / scale) : 0.0f;
    static_cast<int8_t*>(elements)[at] = static_cast<int8_t>(std::clamp(whole, -127.0f, 127.0f));
  }
}

// See kv_layout.h on what the first token of a page does.
void ClearPage(const KvPages& kv, int64_t first_token) {
  const int64_t bytes = int64_t{kv.page_len} * kv.head_dim * BytesPerElement(kv.dtype);
  std::memset(static_cast<char*>(kv.v) + first_token * kv.head_dim * BytesPerElement(kv.dtype), 0,
              bytes);
  if (kv.dtype == KvDType::kBf16) return;
  std::fill_n(kv.k_scale + first_token, kv.page_len, 0.0f);
  std::fill_n(kv.v_scale + first_token, kv.page_len, 0.0f);
}

void Append(const KvPages& kv, int32_t head, int32_t slot, const float* k, const float* v) {
  const int32_t d = kv.head_dim;
  const int32_t t = slot % kv.page_len;
  const int64_t first = (int64_t{slot / kv.page_len} * kv.num_kv_heads + head) * kv.page_len;
  if (t == 0) ClearPage(kv, first);
  float k_scale = 1;
  float v_scale = 1;
  if (kv.dtype == KvDType::kInt8) {
    kv.k_scale[first + t] = k_scale = ScaleOf(k, d);
    kv.v_scale[first + t] = v_scale = ScaleOf(v, d);
  }
  for (int32_t i = 0; i < d; ++i) {
    const int64_t k_at = ((int64_t{t / 16} * (d / 2) + i / 2) * 16 + t % 16) * 2 + i % 2;
    const int64_t v_at = (int64_t{t / 2} * d + i) * 2 + t % 2;
    Store(kv, kv.k, first * d + k_at, k[i], k_scale);
    Store(kv, kv.v, first * d + v_at, v[i], v_scale);
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
      Append(args.kv, h, args.kv_slot[r], head.data(), v);
    }
  }
}

}  // namespace weir::reference
