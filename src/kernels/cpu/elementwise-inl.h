// SPDX-License-Identifier: Apache-2.0
//
// The elementwise ops, written once. Included by the files that are compiled for one instruction
// set only, so everything is in the anonymous namespace and nothing but plain structs is included.
//
// The including file defines a struct Simd before, with
//   F, kLanes                      a vector of floats
//   Load, Store, StoreBf16         whole vectors; StoreBf16 rounds to nearest, ties to even
//   LoadN, StoreBf16N              the first n lanes, 0 < n < kLanes; LoadN fills with zeros
//   Set, Add, Sub, Mul, Div, Fma, Fnma, Min, Max, Round, ReduceAdd
//                                  Fma(a, b, c) = a b + c, Fnma(a, b, c) = c - a b
//   TimesPowerOf2(x, n)            for whole n in [-150, 150]; may overflow to infinity
//   LoadColumn(pairs, to)          kLanes pairs of bf16 that are 64 bytes apart to 2 kLanes floats
//   MergePairs(values, n, odd, to) n bf16 into the low or high halves of n 4-byte words
//   ReduceMax, Abs
//   StoreInt8N(p, x, n)            x to nearest, ties to even, into [-127, 127]; 0 < n <= kLanes
// A lane's arithmetic is the same in whole vectors and in parts, and the order of sums depends on
// the length only.
#include <immintrin.h>
#include <stdint.h>

#include "kernels/cpu/elementwise_isa.h"

namespace weir::cpu {
namespace {

using F = Simd::F;
constexpr int64_t kLanes = Simd::kLanes;

F LoadUpTo(const float* p, int64_t n) {
  return n >= kLanes ? Simd::Load(p) : Simd::LoadN(p, static_cast<int>(n));
}

void StoreUpTo(Bf16* p, F x, int64_t n) {
  if (n >= kLanes) return Simd::StoreBf16(p, x);
  Simd::StoreBf16N(p, x, static_cast<int>(n));
}
void StoreUpTo(float* p, F x, int64_t n) {
  if (n >= kLanes) return Simd::Store(p, x);
  Simd::StoreN(p, x, static_cast<int>(n));
}

float Sqrt(float x) { return _mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(x))); }

float BitsToFloat(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

// e^x, relative error below 2^-22; infinity from about 89 on, and at least 2^-150 below -104.
F Exp(F x) {
  x = Simd::Max(Simd::Set(-104.0f), Simd::Min(Simd::Set(104.0f), x));
  const F n = Simd::Round(Simd::Mul(x, Simd::Set(1.44269504f)));
  const F f = Simd::Fnma(n, Simd::Set(-2.12194440e-4f), Simd::Fnma(n, Simd::Set(0.693359375f), x));
  constexpr float kExp[] = {1.0f,           1.0f,           0.5f,          0.16666504740f,
                            0.04166646674f, 0.00836914871f, 0.00139336416f};
  F y = Simd::Set(kExp[6]);
  for (int i = 5; i >= 0; --i) y = Simd::Fma(y, f, Simd::Set(kExp[i]));
  return Simd::TimesPowerOf2(y, n);
}

// Four sums, so that the additions do not wait for each other.
float SumOfSquares(const float* x, int64_t n) {
  F sum[4] = {Simd::Set(0), Simd::Set(0), Simd::Set(0), Simd::Set(0)};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int j = 0; j < 4; ++j) {
      const F v = Simd::Load(x + i + j * kLanes);
      sum[j] = Simd::Fma(v, v, sum[j]);
    }
  }
  for (; i < n; i += kLanes) {
    const F v = LoadUpTo(x + i, n - i);
    sum[0] = Simd::Fma(v, v, sum[0]);
  }
  return Simd::ReduceAdd(Simd::Add(Simd::Add(sum[0], sum[1]), Simd::Add(sum[2], sum[3])));
}

float NormScale(const float* x, int64_t n, float eps) {
  return 1.0f / Sqrt(SumOfSquares(x, n) / static_cast<float>(n) + eps);
}

void EmbedRows(const EmbedArgs& args, int64_t row_begin, int64_t row_end) {
  const int64_t k = args.table.k;
  const int64_t pairs = (k + 1) / 2;  // per row of the table, the padded one included
  for (int64_t r = row_begin; r < row_end; ++r) {
    const int64_t token = args.tokens[r];
    const Bf16* from =
        args.table.data + (token / kPanelRows * pairs * kPanelRows + token % kPanelRows) * 2;
    float* out = args.out + r * k;
    int64_t i = 0;
    for (; 2 * (i + kLanes) <= k; i += kLanes) {
      Simd::LoadColumn(from + i * 2 * kPanelRows, out + 2 * i);
    }
    for (; i < pairs; ++i) {
      const Bf16* pair = from + i * 2 * kPanelRows;
      out[2 * i] = BitsToFloat(uint32_t{pair[0].bits} << 16);
      if (2 * i + 1 < k) out[2 * i + 1] = BitsToFloat(uint32_t{pair[1].bits} << 16);
    }
  }
}

void RmsNormRows(const RmsNormArgs& args, int64_t row_begin, int64_t row_end) {
  const int64_t dim = args.dim;
  for (int64_t r = row_begin; r < row_end; ++r) {
    const int64_t row = args.row_index != nullptr ? args.row_index[r] : r;
    const float* x = args.x + row * args.x_stride;
    Bf16* out = args.out + r * dim;
    const F scale = Simd::Set(NormScale(x, dim, args.eps));
    for (int64_t i = 0; i < dim; i += kLanes) {
      const F weight = LoadUpTo(args.weight + i, dim - i);
      const F v = LoadUpTo(x + i, dim - i);
      StoreUpTo(out + i, Simd::Mul(Simd::Mul(v, scale), weight), dim - i);
    }
  }
}

void SiluMulPart(const float* gate, const float* up, int64_t n, Bf16* out) {
  for (int64_t i = 0; i < n; i += kLanes) {
    const F z = LoadUpTo(gate + i, n - i);
    const F exp = Exp(Simd::Sub(Simd::Set(0), z));
    const F silu = Simd::Div(z, Simd::Add(Simd::Set(1), exp));
    StoreUpTo(out + i, Simd::Mul(silu, LoadUpTo(up + i, n - i)), n - i);
  }
}

void SiluMulRange(const SiluMulArgs& args, int64_t begin, int64_t end) {
  const int64_t dim = args.dim;
  while (begin < end) {
    const int64_t row = begin / dim;
    const int64_t col = begin % dim;
    const int64_t left = dim - col < end - begin ? dim - col : end - begin;
    const float* gate = args.gate_up + row * 2 * dim + col;
    SiluMulPart(gate, gate + dim, left, args.out + begin);
    begin += left;
  }
}

// One head of one row: norm (where `norm` is not null), rotation, rounding.
struct HeadSource {
  const float* x;
  const float* norm;
  float scale;

  F Load(int64_t i, int64_t n) const {
    const F v = LoadUpTo(x + i, n);
    return norm != nullptr ? Simd::Mul(Simd::Mul(v, Simd::Set(scale)), LoadUpTo(norm + i, n)) : v;
  }
};

template <class Out>
void PrepareHead(const QkvPrepareArgs& args, const float* x, const float* norm, int64_t row,
                 Out* out) {
  const int64_t d = args.kv.head_dim;
  const int64_t half = args.rope_dim / 2;
  const HeadSource head{x, norm, norm != nullptr ? NormScale(x, d, args.eps) : 1.0f};
  const float* cosines = args.cos_sin + int64_t{args.positions[row]} * args.rope_dim;
  const float* sines = cosines + half;
  for (int64_t i = 0; i < half; i += kLanes) {
    const int64_t n = half - i;
    const F a = head.Load(i, n);
    const F b = head.Load(half + i, n);
    const F cos = LoadUpTo(cosines + i, n);
    const F sin = LoadUpTo(sines + i, n);
    StoreUpTo(out + i, Simd::Fnma(b, sin, Simd::Mul(a, cos)), n);
    StoreUpTo(out + half + i, Simd::Fma(a, sin, Simd::Mul(b, cos)), n);
  }
  for (int64_t i = 2 * half; i < d; i += kLanes) StoreUpTo(out + i, head.Load(i, d - i), d - i);
}

int64_t QkvRowLength(const QkvPrepareArgs& args) {
  return (int64_t{args.num_q_heads} + 2 * int64_t{args.kv.num_kv_heads}) * args.kv.head_dim;
}

void PrepareQ(const QkvPrepareArgs& args, const RowsAndHeads& part) {
  const int64_t d = args.kv.head_dim;
  for (int64_t r = part.row_begin; r < part.row_end; ++r) {
    const float* row = args.qkv + r * QkvRowLength(args);
    Bf16* out = args.q_out + r * args.num_q_heads * d;
    for (int64_t h = part.head_begin; h < part.head_end; ++h) {
      PrepareHead(args, row + h * d, args.q_norm, r, out + h * d);
    }
  }
}

// Pairs of dims go to consecutive 64-byte lines of the token's panel.
void AppendKey(const Bf16* key, int64_t d, int64_t token, Bf16* page) {
  Bf16* to = page + token / 16 * 16 * d + token % 16 * 2;
  for (int64_t i = 0; i < d; i += 2) __builtin_memcpy(to + i * 16, key + i, 4);
}

void AppendValue(const float* value, int64_t d, int64_t token, Bf16* page) {
  Bf16* to = page + token / 2 * 2 * d;
  for (int64_t i = 0; i < d; i += kLanes) {
    const int64_t n = d - i < kLanes ? d - i : kLanes;
    Simd::MergePairs(LoadUpTo(value + i, n), static_cast<int>(n), token % 2 != 0, to + 2 * i);
  }
}

// Where a token's key and value go.
struct TokenPlace {
  int64_t first;  // of the page and head, among the tokens of all pages
  int64_t token;  // in the page
};

// See kv_layout.h on what the first token of a page does.
void ClearPage(const KvPages& kv, int64_t first) {
  const int64_t bytes = int64_t{kv.head_dim} * (kv.dtype == KvDType::kInt8 ? 1 : 2);
  __builtin_memset(static_cast<char*>(kv.v) + first * bytes, 0,
                   static_cast<size_t>(kv.page_len * bytes));
  if (kv.dtype != KvDType::kInt8) return;
  const size_t scales = static_cast<size_t>(kv.page_len) * sizeof(float);
  __builtin_memset(kv.k_scale + first, 0, scales);
  __builtin_memset(kv.v_scale + first, 0, scales);
}

// x / scale in whole numbers; returns the scale.
float Quantise(const float* x, int64_t d, int8_t* to) {
  F largest = Simd::Set(0);
  for (int64_t i = 0; i < d; i += kLanes) {
    largest = Simd::Max(largest, Simd::Abs(LoadUpTo(x + i, d - i)));
  }
  const float max = Simd::ReduceMax(largest);
  const bool zero = max < kLeastInt8Magnitude;
  const F inverse = Simd::Set(zero ? 0.0f : 127.0f / max);
  for (int64_t i = 0; i < d; i += kLanes) {
    const int n = static_cast<int>(d - i < kLanes ? d - i : kLanes);
    Simd::StoreInt8N(to + i, Simd::Mul(LoadUpTo(x + i, d - i), inverse), n);
  }
  return zero ? 0.0f : max / 127.0f;
}

void AppendInt8(const KvPages& kv, const TokenPlace& place, const float* key, const float* value) {
  const int64_t d = kv.head_dim;
  alignas(64) int8_t bytes[kMaxHeadDim];
  kv.k_scale[place.first + place.token] = Quantise(key, d, bytes);
  int8_t* to = static_cast<int8_t*>(kv.k) + (place.first + place.token / 16 * 16) * d;
  to += place.token % 16 * 2;
  for (int64_t i = 0; i < d; i += 2) __builtin_memcpy(to + i * 16, bytes + i, 2);
  kv.v_scale[place.first + place.token] = Quantise(value, d, bytes);
  to = static_cast<int8_t*>(kv.v) + (place.first + place.token / 2 * 2) * d + place.token % 2;
  for (int64_t i = 0; i < d; ++i) to[2 * i] = bytes[i];
}

void AppendBf16(const KvPages& kv, const TokenPlace& place, const Bf16* key, const float* value) {
  const int64_t d = kv.head_dim;
  AppendKey(key, d, place.token, static_cast<Bf16*>(kv.k) + place.first * d);
  AppendValue(value, d, place.token, static_cast<Bf16*>(kv.v) + place.first * d);
}

void AppendKv(const QkvPrepareArgs& args, const RowsAndHeads& part) {
  const KvPages& kv = args.kv;
  const int64_t d = kv.head_dim;
  const int64_t s = kv.page_len;
  alignas(64) float key[kMaxHeadDim];
  alignas(64) Bf16 bf16_key[kMaxHeadDim];
  for (int64_t r = part.row_begin; r < part.row_end; ++r) {
    const int64_t slot = args.kv_slot[r];
    if (slot < 0) continue;
    const float* k = args.qkv + r * QkvRowLength(args) + args.num_q_heads * d;
    const float* v = k + kv.num_kv_heads * d;
    for (int64_t h = part.head_begin; h < part.head_end; ++h) {
      const TokenPlace place{(slot / s * kv.num_kv_heads + h) * s, slot % s};
      if (place.token == 0) ClearPage(kv, place.first);
      if (kv.dtype == KvDType::kInt8) {
        PrepareHead(args, k + h * d, args.k_norm, r, key);
        AppendInt8(kv, place, key, v + h * d);
      } else {
        PrepareHead(args, k + h * d, args.k_norm, r, bf16_key);
        AppendBf16(kv, place, bf16_key, v + h * d);
      }
    }
  }
}

constexpr ElementwiseIsa kFunctions = {.embed = EmbedRows,
                                       .rms_norm = RmsNormRows,
                                       .silu_mul = SiluMulRange,
                                       .prepare_q = PrepareQ,
                                       .append_kv = AppendKv};

}  // namespace
}  // namespace weir::cpu
