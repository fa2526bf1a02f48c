// SPDX-License-Identifier: Apache-2.0
//
// Paged attention with AVX-512 and its bf16 dot product, which multiplies pairs as they lie in the
// pages. Compiled with those instructions on: see the rules for per-instruction-set files.
#include "kernels/cpu/attention-inl.h"

namespace weir::cpu {
namespace {

// Sums of products of pairs: in f32, or of whole numbers in 32 bits.
__m512 Dot(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}
// As assembly, because GCC 12 keeps the sums of _mm512_dpwssd_epi32 on the stack.
__m512i Dot(__m512i sum, __m512i a, __m512i b) {
  asm("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
  return sum;
}

template <class E>
struct SumOf {
  using Type = __m512i;
};
template <>
struct SumOf<Bf16> {
  using Type = __m512;
};

__m512 ToFloats(__m512 sum) { return sum; }
__m512 ToFloats(__m512i sum) { return _mm512_cvtepi32_ps(sum); }

__m512i LoadPairs(const Bf16* p) { return _mm512_loadu_si512(p); }
__m512i LoadPairs(const int16_t* p) { return _mm512_loadu_si512(p); }
__m512i LoadPairs(const int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

__m512i LoadPairs(__mmask16 mask, const Bf16* p) { return _mm512_maskz_loadu_epi32(mask, p); }
__m512i LoadPairs(__mmask16 mask, const int16_t* p) { return _mm512_maskz_loadu_epi32(mask, p); }
__m512i LoadPairs(__mmask16 mask, const int8_t* p) {
  return _mm512_cvtepi8_epi16(_mm256_maskz_loadu_epi16(mask, p));
}

// A pair for all lanes.
__m512i Broadcast(const Bf16* pair) {
  int32_t bits;
  __builtin_memcpy(&bits, pair, 4);
  return _mm512_set1_epi32(bits);
}

// 2^x for x <= 0, relative error below 3e-7; 0 for x = -inf; NaN stays NaN.
__m512 Exp2(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-200.0f), x);  // the second operand is returned for NaN
  const __m512 n = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m512 f = _mm512_sub_ps(x, n);
  __m512 y = _mm512_set1_ps(kExp2[5]);
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(kExp2[4]));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(kExp2[3]));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(kExp2[2]));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(kExp2[1]));
  y = _mm512_fmadd_ps(y, f, _mm512_set1_ps(kExp2[0]));
  return _mm512_scalef_ps(y, n);
}

__mmask16 FirstLanes(int64_t count) {
  if (count >= 16) return 0xFFFF;
  return static_cast<__mmask16>(count > 0 ? (1u << count) - 1 : 0);
}

struct Avx512 {
  using Query = Bf16;
  // Over bf16 values, weights are rounded to bf16, a relative error of at most 2^-8 each. Their sum
  // is taken from the rounded weights: then the output is a true weighted mean of the values, equal
  // values come out exactly, and the rounding only shifts weight between tokens. Over int8 values
  // the sum is that of the weights before rounding.
  using Weight = Bf16;
  static constexpr int kRows = 6;  // 6 x 4 sums, 4 vectors of keys or values, one broadcast
  static constexpr int kQueryPerPair = 2;

  static void PackQuery(const Bf16* pair, Query* to) { __builtin_memcpy(to, pair, 4); }
  template <class E>
  static void Scores(const ScoreStrip<Avx512, E>& strip);
  static void ScaleScores(float* scores, const float* scales, float scale);
  static void CapScores(float* scores, int count, float scale);
  template <bool kWhole>
  static void Softmax(const SoftmaxRow<Avx512>& row);
  template <class E>
  static void Values(const ValueStrip<Avx512, E>& strip);
  static float Sum(const float* l) { return _mm512_reduce_add_ps(_mm512_load_ps(l)); }
  static void Fold(const Part& part, const Part& to);
  static void Finish(const Part& part, float sink_log2, int64_t d, Bf16* out);
  static void Widen(const int8_t* from, int64_t count, int16_t* to);
};

template <int kRows, int kPanels, Fetch kFetch, class E>
void ScoresOf(const ScoreStrip<Avx512, E>& strip, int first) {
  using Sum = typename SumOf<E>::Type;
  const E* k[kPanels];
  Sum sum[kRows][kPanels];
#pragma GCC unroll 8
  for (int n = 0; n < kPanels; ++n) {
    k[n] = strip.tile->k[first + n];
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) sum[m][n] = Sum{};
  }
  const Bf16* q = strip.q;
  const char* const* pieces = strip.pieces + (first < kPanelsAtOnce ? 0 : strip.d / 2);
  for (int64_t i = 0; i < strip.d / 2; ++i) {
    __m512i keys[kPanels];
#pragma GCC unroll 8
    for (int n = 0; n < kPanels; ++n) keys[n] = LoadPairs(k[n] + i * 32);
    FetchPieces<E, kFetch>(pieces, i, 0, 2 * sizeof(E));
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const __m512i pair = Broadcast(q + m * 2);
#pragma GCC unroll 8
      for (int n = 0; n < kPanels; ++n) sum[m][n] = Dot(sum[m][n], pair, keys[n]);
    }
    q += kRows * 2;
  }
  float* scores = strip.scores + first * kPanelTokens;
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int n = 0; n < kPanels; ++n)
      _mm512_store_ps(scores + m * kKvTile + n * 16, ToFloats(sum[m][n]));
  }
}

template <int kRows, Fetch kFetch, class E>
void ScoresOfRows(const ScoreStrip<Avx512, E>& strip) {
  int n = strip.first_panel;
  const int end = n + strip.num_panels;
  if (n + 4 <= end) return ScoresOf<kRows, 4, kFetch>(strip, n);
  for (; n < end; ++n) ScoresOf<kRows, 1, Fetch::kNone>(strip, n);
}

// f32 sums go on from o; whole numbers are summed over the tile and then added to it.
void StartSum(const float* o, __m512* sum) { *sum = _mm512_load_ps(o); }
void StartSum(const float*, __m512i* sum) { *sum = _mm512_setzero_si512(); }
void StoreSum(__m512 sum, const float*, float* o) { _mm512_store_ps(o, sum); }
void StoreSum(__m512i sum, const float* scale, float* o) {
  const __m512 added = _mm512_cvtepi32_ps(sum);
  _mm512_store_ps(o, _mm512_fmadd_ps(added, _mm512_set1_ps(*scale), _mm512_load_ps(o)));
}

// Adds the tile's tokens to kRows rows of o, dims [first, first + 16 kVecs) under `mask`.
template <int kRows, int kVecs, Fetch kFetch, class E>
void ValuesOf(const ValueStrip<Avx512, E>& strip, int64_t first, __mmask16 mask) {
  using Sum = typename SumOf<E>::Type;
  Sum sum[kRows][kVecs];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int c = 0; c < kVecs; ++c) {
      StartSum(strip.o + m * strip.padded_d + first + c * 16, &sum[m][c]);
    }
  }
  const char* const* pieces = strip.pieces + strip.d + first / kDimsAtOnce * 64;
  for (int t = 0; t < kPanelTokens / 2; ++t) {
    const int64_t at = (t * strip.d + first) * 2;
    for (int n = 0; n < strip.num_panels; ++n) {
      __m512i values[kVecs];
#pragma GCC unroll 8
      for (int c = 0; c < kVecs; ++c) {
        const E* v = strip.tile->v[n] + at + c * 32;
        values[c] = kVecs == 1 ? LoadPairs(mask, v) : LoadPairs(v);
      }
      FetchPieces<E, kFetch>(pieces, n, 0, 2 * sizeof(E));
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const __m512i pair = Broadcast(strip.p + m * kKvTile + n * kPanelTokens + t * 2);
#pragma GCC unroll 8
        for (int c = 0; c < kVecs; ++c) sum[m][c] = Dot(sum[m][c], pair, values[c]);
      }
    }
    pieces += kTilePanels;
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int c = 0; c < kVecs; ++c) {
      StoreSum(sum[m][c], strip.p_scales + m, strip.o + m * strip.padded_d + first + c * 16);
    }
  }
}

template <int kRows, Fetch kFetch, class E>
void ValuesOfRows(const ValueStrip<Avx512, E>& strip) {
  int64_t dim = strip.first_dim;
  const int64_t end = strip.end_dim;
  if (dim + 64 <= end) return ValuesOf<kRows, 4, kFetch>(strip, dim, 0xFFFF);
  for (; dim < end; dim += 16) {
    ValuesOf<kRows, 1, Fetch::kNone>(strip, dim, FirstLanes(end - dim));
  }
}

template <int kRows, class E>
void ScoresOfRows(const ScoreStrip<Avx512, E>& strip) {
  if (strip.fetch == Fetch::kNone) return ScoresOfRows<kRows, Fetch::kNone>(strip);
  if (strip.fetch == Fetch::kOnce) return ScoresOfRows<kRows, Fetch::kOnce>(strip);
  ScoresOfRows<kRows, Fetch::kOften>(strip);
}

template <int kRows, class E>
void ValuesOfRows(const ValueStrip<Avx512, E>& strip) {
  if (strip.fetch == Fetch::kNone) return ValuesOfRows<kRows, Fetch::kNone>(strip);
  if (strip.fetch == Fetch::kOnce) return ValuesOfRows<kRows, Fetch::kOnce>(strip);
  ValuesOfRows<kRows, Fetch::kOften>(strip);
}

template <class E>
void Avx512::Scores(const ScoreStrip<Avx512, E>& strip) {
  switch (strip.rows) {
    case 1:
      return ScoresOfRows<1>(strip);
    case 2:
      return ScoresOfRows<2>(strip);
    case 3:
      return ScoresOfRows<3>(strip);
    case 4:
      return ScoresOfRows<4>(strip);
    case 5:
      return ScoresOfRows<5>(strip);
    default:
      return ScoresOfRows<6>(strip);
  }
}

template <class E>
void Avx512::Values(const ValueStrip<Avx512, E>& strip) {
  switch (strip.rows) {
    case 1:
      return ValuesOfRows<1>(strip);
    case 2:
      return ValuesOfRows<2>(strip);
    case 3:
      return ValuesOfRows<3>(strip);
    case 4:
      return ValuesOfRows<4>(strip);
    case 5:
      return ValuesOfRows<5>(strip);
    default:
      return ValuesOfRows<6>(strip);
  }
}

// Rescales a row's sums to a higher maximum.
void Raise(const SoftmaxRow<Avx512>& row, float m) {
  const __m512 alpha = Exp2(_mm512_set1_ps(*row.m - m));
  _mm512_store_ps(row.l, _mm512_mul_ps(_mm512_load_ps(row.l), alpha));
  for (int64_t i = 0; i < row.padded_d; i += 16) {
    _mm512_store_ps(row.o + i, _mm512_mul_ps(_mm512_load_ps(row.o + i), alpha));
  }
  *row.m = m;
}

void Avx512::ScaleScores(float* scores, const float* scales, float scale) {
  const __m512 both = _mm512_mul_ps(_mm512_loadu_ps(scales), _mm512_set1_ps(scale));
  _mm512_store_ps(scores, _mm512_mul_ps(_mm512_load_ps(scores), both));
}

// tanh(x), relative error below 3e-7.
__m512 Tanh(__m512 x) {
  const __m512 size = _mm512_abs_ps(x);
  const __m512 t = Exp2(_mm512_mul_ps(size, _mm512_set1_ps(-2 * kLog2E)));
  const __m512 one = _mm512_set1_ps(1.0f);
  const __m512 large = _mm512_div_ps(_mm512_sub_ps(one, t), _mm512_add_ps(one, t));
  const __m512 xx = _mm512_mul_ps(x, x);
  __m512 y = _mm512_set1_ps(kTanh[4]);
#pragma GCC unroll 4
  for (int i = 3; i >= 0; --i) y = _mm512_fmadd_ps(y, xx, _mm512_set1_ps(kTanh[i]));
  const __m512 small = _mm512_fmadd_ps(_mm512_mul_ps(size, xx), y, size);
  const __mmask16 is_small = _mm512_cmp_ps_mask(size, _mm512_set1_ps(kTanhSmall), _CMP_LT_OQ);
  const __m512 result = _mm512_mask_blend_ps(is_small, large, small);
  const __m512i sign = _mm512_set1_epi32(INT32_MIN);
  return _mm512_castsi512_ps(_mm512_ternarylogic_epi32(  // the sign of x, the rest of the result
      sign, _mm512_castps_si512(x), _mm512_castps_si512(result), 0xCA));
}

void Avx512::CapScores(float* scores, int count, float scale) {
  for (int i = 0; i < count; i += 16) {
    const __m512 s = _mm512_mul_ps(_mm512_load_ps(scores + i), _mm512_set1_ps(scale));
    _mm512_store_ps(scores + i, Tanh(s));
  }
}

// Weights `p` times the scales of their values as whole numbers.
void StoreWhole(const SoftmaxRow<Avx512>& row, const __m512* p) {
  __m512 scaled[kTilePanels];
  __m512 largest = _mm512_setzero_ps();
#pragma GCC unroll 8
  for (int n = 0; n < kTilePanels; ++n) {
    scaled[n] = _mm512_mul_ps(p[n], _mm512_loadu_ps(row.v_scales[n]));
    largest = _mm512_max_ps(largest, scaled[n]);
  }
  const float most = _mm512_reduce_max_ps(largest);
  *row.p_scale = most * (1.0f / INT16_MAX);
  const __m512 inverse = _mm512_set1_ps(most > kLeastWeight ? INT16_MAX / most : 0.0f);
#pragma GCC unroll 8
  for (int n = 0; n < kTilePanels; ++n) {
    const __m512i whole = _mm512_cvtps_epi32(_mm512_mul_ps(scaled[n], inverse));
    _mm256_store_si256(reinterpret_cast<__m256i*>(row.p + n * 16), _mm512_cvtepi32_epi16(whole));
  }
}

template <bool kWhole>
void Avx512::Softmax(const SoftmaxRow<Avx512>& row) {
  const __m512 unseen = _mm512_set1_ps(kUnseen);
  __m512 s[kTilePanels];
  __m512 largest = unseen;
#pragma GCC unroll 8
  for (int n = 0; n < kTilePanels; ++n) {
    s[n] = _mm512_mask_load_ps(unseen, FirstLanes(row.visible - n * 16), row.scores + n * 16);
    largest = _mm512_max_ps(largest, s[n]);
  }
  const float m = _mm512_reduce_max_ps(largest) * row.scale_log2;
  if (m > *row.m) Raise(row, m);
  // A row that has seen nothing yet has m = -inf, and -inf + inf would be NaN.
  const float offset = *row.m == kUnseen ? 0.0f : *row.m;
  const __m512 scale = _mm512_set1_ps(row.scale_log2);
  const __m512 minus_m = _mm512_set1_ps(-offset);
  const __m512i ones = _mm512_set1_epi32(0x3F803F80);
  __m512 l = _mm512_load_ps(row.l);
#pragma GCC unroll 8
  for (int n = 0; n < kTilePanels; n += 2) {
    s[n] = Exp2(_mm512_fmadd_ps(s[n], scale, minus_m));
    s[n + 1] = Exp2(_mm512_fmadd_ps(s[n + 1], scale, minus_m));
    if constexpr (kWhole) {
      l = _mm512_add_ps(l, _mm512_add_ps(s[n], s[n + 1]));
    } else {
      const __m512i p = (__m512i)_mm512_cvtne2ps_pbh(s[n + 1], s[n]);
      _mm512_store_si512(row.p + n * 16, p);
      l = Dot(l, p, ones);
    }
  }
  _mm512_store_ps(row.l, l);
  if constexpr (kWhole) StoreWhole(row, s);
}

float Exp2(float x) { return _mm512_cvtss_f32(Exp2(_mm512_set1_ps(x))); }

void Avx512::Fold(const Part& part, const Part& to) {
  if (*part.l == 0) return;
  const bool first = *to.l == 0;
  const float m = *part.m > *to.m ? *part.m : *to.m;
  const float old_weight = Exp2(*to.m - m);
  const float new_weight = Exp2(*part.m - m);
  const __m512 a = _mm512_set1_ps(old_weight);
  const __m512 b = _mm512_set1_ps(new_weight);
  for (int64_t i = 0; i < to.padded_d; i += 16) {
    const __m512 o = _mm512_load_ps(part.o + i);
    const __m512 sum =
        first ? o : _mm512_fmadd_ps(o, b, _mm512_mul_ps(_mm512_load_ps(to.o + i), a));
    _mm512_store_ps(to.o + i, sum);
  }
  *to.l = first ? *part.l : __builtin_fmaf(*part.l, new_weight, *to.l * old_weight);
  *to.m = m;
}

void Avx512::Finish(const Part& part, float sink_log2, int64_t d, Bf16* out) {
  // The weight 2^-m was left out of o and l; a sink above m needs them smaller.
  const float m = sink_log2 > *part.m ? sink_log2 : *part.m;
  const float weight = m == kUnseen ? 0.0f : Exp2(*part.m - m);
  const float sink = m == kUnseen ? 0.0f : Exp2(sink_log2 - m);
  const float sum = __builtin_fmaf(*part.l, weight, sink);
  const bool sees = *part.l != 0;
  const __m512 inverse = _mm512_set1_ps(sees ? weight / sum : 0.0f);
  for (int64_t i = 0; i < d; i += 16) {
    const __m512 o = sees ? _mm512_load_ps(part.o + i) : _mm512_setzero_ps();
    const __m512 mean = _mm512_mul_ps(o, inverse);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_add_ps(mean, _mm512_setzero_ps()));
    _mm256_mask_storeu_epi16(out + i, FirstLanes(d - i), (__m256i)rounded);
  }
}

void Avx512::Widen(const int8_t* from, int64_t count, int16_t* to) {
  for (int64_t i = 0; i < count; i += 32) _mm512_store_si512(to + i, LoadPairs(from + i));
}

}  // namespace

const AttentionIsa kAttentionAvx512 = {.attend = Attend<Avx512>, .merge = Merge<Avx512>};

}  // namespace weir::cpu
