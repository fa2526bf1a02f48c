// SPDX-License-Identifier: Apache-2.0
//
// Paged attention with AVX2 and FMA: bf16 pairs are widened to f32 as they are read. Compiled with
// those instructions on: see the rules for per-instruction-set files.
#include "kernels/cpu/attention-inl.h"

namespace weir::cpu {
namespace {

constexpr int kLanes = 8;

// Eight pairs of bf16 as f32.
struct Pairs {
  __m256 first;
  __m256 second;
};

Pairs Widen(__m256i pairs) {
  const __m256i high = _mm256_set1_epi32(static_cast<int32_t>(0xFFFF0000u));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(pairs, 16)),
          _mm256_castsi256_ps(_mm256_and_si256(pairs, high))};
}

Pairs LoadPairs(const Bf16* p) {
  return Widen(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}

// Of eight pairs of int8.
Pairs Widen(__m128i pairs) {
  const __m256i words = _mm256_cvtepi16_epi32(pairs);
  return {_mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(words, 24), 24)),
          _mm256_cvtepi32_ps(_mm256_srai_epi32(words, 8))};
}

Pairs LoadPairs(const int8_t* p) {
  return Widen(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

// Lanes [0, count) set.
__m256i LaneMask(int64_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const int32_t n = count < 0 ? 0 : count > kLanes ? kLanes : static_cast<int32_t>(count);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
}

__m256 Dot(__m256 sum, __m256 a0, __m256 a1, const Pairs& b) {
  return _mm256_fmadd_ps(a1, b.second, _mm256_fmadd_ps(a0, b.first, sum));
}

// The first `count` pairs, zero beyond.
Pairs LoadPairs(const Bf16* p, int64_t count) {
  return Widen(_mm256_maskload_epi32(reinterpret_cast<const int*>(p), LaneMask(count)));
}
Pairs LoadPairs(const int8_t* p, int64_t count) {
  __m128i pairs = _mm_setzero_si128();
  const int64_t n = count < 0 ? 0 : count > kLanes ? kLanes : count;
  __builtin_memcpy(&pairs, p, static_cast<size_t>(n) * 2);
  return Widen(pairs);
}

// Fetches what a quarter of a step's vectors takes: quarter `i` of the piece at `step`.
template <class E, Fetch kFetch>
WEIR_INLINE void FetchQuarter(const char* const* pieces, int64_t step, int i) {
  if (sizeof(E) == 2) {
    FetchPieces<E, kFetch>(pieces, step, i, i + 1);
  } else if (i % 2 == 0) {
    FetchPieces<E, kFetch>(pieces, step, i / 2, i / 2 + 1);
  }
}

// 2^x for x <= 0, relative error below 3e-7; 0 below -126 and for x = -inf; NaN stays NaN.
__m256 Exp2(__m256 x) {
  const __m256 lowest = _mm256_set1_ps(-126.0f);
  const __m256 zero = _mm256_cmp_ps(x, lowest, _CMP_LT_OQ);
  x = _mm256_max_ps(lowest, x);  // the second operand is returned for NaN
  const __m256 n = _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  const __m256 f = _mm256_sub_ps(x, n);
  __m256 y = _mm256_set1_ps(kExp2[5]);
  y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(kExp2[4]));
  y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(kExp2[3]));
  y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(kExp2[2]));
  y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(kExp2[1]));
  y = _mm256_fmadd_ps(y, f, _mm256_set1_ps(kExp2[0]));
  const __m256i exponent = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
  const __m256 power = _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  return _mm256_andnot_ps(zero, _mm256_mul_ps(y, power));
}

float ReduceMax(__m256 x) {
  __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  y = _mm_max_ps(y, _mm_movehl_ps(y, y));
  y = _mm_max_ss(y, _mm_movehdup_ps(y));
  return _mm_cvtss_f32(y);
}

float ReduceAdd(__m256 x) {
  __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  y = _mm_add_ps(y, _mm_movehl_ps(y, y));
  y = _mm_add_ss(y, _mm_movehdup_ps(y));
  return _mm_cvtss_f32(y);
}

// Eight f32 to bf16, to nearest, ties to even; NaN stays NaN.
__m128i ToBf16s(__m256 x) {
  const __m256i bits = _mm256_castps_si256(x);
  const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
  const __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
  const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
  const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
  const __m256i rounded = _mm256_blendv_epi8(_mm256_add_epi32(bits, bias), quiet, nan);
  const __m256i upper = _mm256_srli_epi32(rounded, 16);
  const __m256i packed = _mm256_packus_epi32(upper, upper);
  return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
}

struct Avx2 {
  using Query = float;
  using Weight = float;
  static constexpr int kRows = 4;  // 4 x 2 sums, 4 vectors of keys or values, two broadcasts
  static constexpr int kQueryPerPair = 2;

  static void PackQuery(const Bf16* pair, Query* to) {
    uint32_t bits;
    __builtin_memcpy(&bits, pair, 4);
    const uint32_t halves[2] = {bits << 16, bits & 0xFFFF0000u};
    __builtin_memcpy(to, halves, 8);
  }
  template <class E>
  static void Scores(const ScoreStrip<Avx2, E>& strip);
  static void ScaleScores(float* scores, const float* scales);
  static void CapScores(float* scores, int count, float scale);
  template <bool kScaled>
  static void Softmax(const SoftmaxRow<Avx2>& row);
  template <class E>
  static void Values(const ValueStrip<Avx2, E>& strip);
  static float Sum(const float* l) {
    return ReduceAdd(_mm256_add_ps(_mm256_load_ps(l), _mm256_load_ps(l + kLanes)));
  }
  static void Fold(const Part& part, const Part& to);
  static void Finish(const Part& part, float sink_log2, int64_t d, Bf16* out);
  static void Widen(const int8_t* from, int64_t count, Bf16* to);
};

template <int kRows, Fetch kFetch, class E>
void ScoresOf(const ScoreStrip<Avx2, E>& strip) {
  for (int n = strip.first_panel; n < strip.first_panel + strip.num_panels; ++n) {
    const E* k = strip.tile->k[n];
    const int in_group = n % kPanelsAtOnce;
    const char* const* pieces = strip.pieces + (n == in_group ? 0 : strip.d / 2) + in_group;
    const float* q = strip.q;
    __m256 sum[kRows][2];
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) sum[m][0] = sum[m][1] = _mm256_setzero_ps();
    for (int64_t i = 0; i < strip.d / 2; ++i) {
      const Pairs low = LoadPairs(k + i * 32);
      const Pairs high = LoadPairs(k + i * 32 + 16);
      FetchQuarter<E, kFetch>(pieces, i / 4 * 4, i % 4);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const __m256 q0 = _mm256_broadcast_ss(q + m * 2);
        const __m256 q1 = _mm256_broadcast_ss(q + m * 2 + 1);
        sum[m][0] = Dot(sum[m][0], q0, q1, low);
        sum[m][1] = Dot(sum[m][1], q0, q1, high);
      }
      q += kRows * 2;
    }
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      _mm256_store_ps(strip.scores + m * kKvTile + n * kPanelTokens, sum[m][0]);
      _mm256_store_ps(strip.scores + m * kKvTile + n * kPanelTokens + kLanes, sum[m][1]);
    }
  }
}

// Adds the tile's tokens to kRows rows of o, dims [first, first + 16); of these, `count` exist.
template <int kRows, bool kWhole, Fetch kFetch, class E>
void ValuesOf(const ValueStrip<Avx2, E>& strip, int64_t first, int64_t count) {
  __m256 sum[kRows][2];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    const float* o = strip.o + m * strip.padded_d + first;
    sum[m][0] = _mm256_load_ps(o);
    sum[m][1] = _mm256_load_ps(o + kLanes);
  }
  const char* const* pieces = strip.pieces + strip.d + first / kDimsAtOnce * 64;
  const auto quarter = static_cast<int>(first % kDimsAtOnce / 16);
  // Panels in turn: the processor's own prefetchers do more with several streams.
  for (int t = 0; t < kPanelTokens / 2; ++t) {
    const int64_t at = (t * strip.d + first) * 2;
    for (int n = 0; n < strip.num_panels; ++n) {
      const E* v = strip.tile->v[n] + at;
      const Pairs low = kWhole ? LoadPairs(v) : LoadPairs(v, count);
      const Pairs high = kWhole ? LoadPairs(v + 16) : LoadPairs(v + 16, count - kLanes);
      FetchQuarter<E, kFetch>(pieces, t * kTilePanels + n, quarter);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const float* p = strip.p + m * kKvTile + n * kPanelTokens + t * 2;
        const __m256 p0 = _mm256_broadcast_ss(p);
        const __m256 p1 = _mm256_broadcast_ss(p + 1);
        sum[m][0] = Dot(sum[m][0], p0, p1, low);
        sum[m][1] = Dot(sum[m][1], p0, p1, high);
      }
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    float* o = strip.o + m * strip.padded_d + first;
    _mm256_store_ps(o, sum[m][0]);
    _mm256_store_ps(o + kLanes, sum[m][1]);
  }
}

template <int kRows, Fetch kFetch, class E>
void ValuesOfRows(const ValueStrip<Avx2, E>& strip) {
  int64_t dim = strip.first_dim;
  for (; dim + 16 <= strip.end_dim; dim += 16) ValuesOf<kRows, true, kFetch>(strip, dim, 16);
  if (dim < strip.end_dim) {
    ValuesOf<kRows, false, Fetch::kNone>(strip, dim, strip.end_dim - dim);
  }
}

template <int kRows, class E>
void ScoresOfRows(const ScoreStrip<Avx2, E>& strip) {
  if (strip.fetch == Fetch::kNone) return ScoresOf<kRows, Fetch::kNone>(strip);
  if (strip.fetch == Fetch::kOnce) return ScoresOf<kRows, Fetch::kOnce>(strip);
  ScoresOf<kRows, Fetch::kOften>(strip);
}

template <int kRows, class E>
void ValuesOfRows(const ValueStrip<Avx2, E>& strip) {
  if (strip.fetch == Fetch::kNone) return ValuesOfRows<kRows, Fetch::kNone>(strip);
  if (strip.fetch == Fetch::kOnce) return ValuesOfRows<kRows, Fetch::kOnce>(strip);
  ValuesOfRows<kRows, Fetch::kOften>(strip);
}

template <class E>
void Avx2::Scores(const ScoreStrip<Avx2, E>& strip) {
  switch (strip.rows) {
    case 1:
      return ScoresOfRows<1>(strip);
    case 2:
      return ScoresOfRows<2>(strip);
    case 3:
      return ScoresOfRows<3>(strip);
    default:
      return ScoresOfRows<4>(strip);
  }
}

template <class E>
void Avx2::Values(const ValueStrip<Avx2, E>& strip) {
  switch (strip.rows) {
    case 1:
      return ValuesOfRows<1>(strip);
    case 2:
      return ValuesOfRows<2>(strip);
    case 3:
      return ValuesOfRows<3>(strip);
    default:
      return ValuesOfRows<4>(strip);
  }
}

// Rescales a row's sums to a higher maximum.
void Raise(const SoftmaxRow<Avx2>& row, float m) {
  const __m256 alpha = Exp2(_mm256_set1_ps(*row.m - m));
  for (int i = 0; i < kSumLanes; i += kLanes) {
    _mm256_store_ps(row.l + i, _mm256_mul_ps(_mm256_load_ps(row.l + i), alpha));
  }
  for (int64_t i = 0; i < row.padded_d; i += kLanes) {
    _mm256_store_ps(row.o + i, _mm256_mul_ps(_mm256_load_ps(row.o + i), alpha));
  }
  *row.m = m;
}

void Avx2::ScaleScores(float* scores, const float* scales) {
  for (int i = 0; i < kPanelTokens; i += kLanes) {
    _mm256_store_ps(scores + i,
                    _mm256_mul_ps(_mm256_load_ps(scores + i), _mm256_loadu_ps(scales + i)));
  }
}

// tanh(x), relative error below 3e-7.
__m256 Tanh(__m256 x) {
  const __m256 sign = _mm256_set1_ps(-0.0f);
  const __m256 size = _mm256_andnot_ps(sign, x);
  const __m256 t = Exp2(_mm256_mul_ps(size, _mm256_set1_ps(-2 * kLog2E)));
  const __m256 one = _mm256_set1_ps(1.0f);
  const __m256 large = _mm256_div_ps(_mm256_sub_ps(one, t), _mm256_add_ps(one, t));
  const __m256 xx = _mm256_mul_ps(x, x);
  __m256 y = _mm256_set1_ps(kTanh[4]);
#pragma GCC unroll 4
  for (int i = 3; i >= 0; --i) y = _mm256_fmadd_ps(y, xx, _mm256_set1_ps(kTanh[i]));
  const __m256 small = _mm256_fmadd_ps(_mm256_mul_ps(size, xx), y, size);
  const __m256 is_small = _mm256_cmp_ps(size, _mm256_set1_ps(kTanhSmall), _CMP_LT_OQ);
  return _mm256_or_ps(_mm256_and_ps(sign, x), _mm256_blendv_ps(large, small, is_small));
}

void Avx2::CapScores(float* scores, int count, float scale) {
  for (int i = 0; i < count; i += kLanes) {
    const __m256 s = _mm256_mul_ps(_mm256_load_ps(scores + i), _mm256_set1_ps(scale));
    _mm256_store_ps(scores + i, Tanh(s));
  }
}

template <bool kScaled>
void Avx2::Softmax(const SoftmaxRow<Avx2>& row) {
  constexpr int kVecs = kKvTile / kLanes;
  const __m256 unseen = _mm256_set1_ps(kUnseen);
  __m256 s[kVecs];
  __m256 largest = unseen;
#pragma GCC unroll 16
  for (int n = 0; n < kVecs; ++n) {
    const __m256 mask = _mm256_castsi256_ps(LaneMask(row.visible - n * kLanes));
    s[n] = _mm256_blendv_ps(unseen, _mm256_load_ps(row.scores + n * kLanes), mask);
    largest = _mm256_max_ps(largest, s[n]);
  }
  const float m = ReduceMax(largest) * row.scale_log2;
  if (m > *row.m) Raise(row, m);
  // A row that has seen nothing yet has m = -inf, and -inf + inf would be NaN.
  const float offset = *row.m == kUnseen ? 0.0f : *row.m;
  const __m256 scale = _mm256_set1_ps(row.scale_log2);
  const __m256 minus_m = _mm256_set1_ps(-offset);
  __m256 l[2] = {_mm256_load_ps(row.l), _mm256_load_ps(row.l + kLanes)};
#pragma GCC unroll 16
  for (int n = 0; n < kVecs; ++n) {
    __m256 p = Exp2(_mm256_fmadd_ps(s[n], scale, minus_m));
    l[n % 2] = _mm256_add_ps(l[n % 2], p);
    if constexpr (kScaled) {
      p = _mm256_mul_ps(p, _mm256_loadu_ps(row.v_scales[n / 2] + n % 2 * kLanes));
    }
    _mm256_store_ps(row.p + n * kLanes, p);
  }
  _mm256_store_ps(row.l, l[0]);
  _mm256_store_ps(row.l + kLanes, l[1]);
}

float Exp2(float x) { return _mm256_cvtss_f32(Exp2(_mm256_set1_ps(x))); }

void Avx2::Fold(const Part& part, const Part& to) {
  if (*part.l == 0) return;
  const bool first = *to.l == 0;
  const float m = *part.m > *to.m ? *part.m : *to.m;
  const float old_weight = Exp2(*to.m - m);
  const float new_weight = Exp2(*part.m - m);
  const __m256 a = _mm256_set1_ps(old_weight);
  const __m256 b = _mm256_set1_ps(new_weight);
  for (int64_t i = 0; i < to.padded_d; i += kLanes) {
    const __m256 o = _mm256_load_ps(part.o + i);
    const __m256 sum =
        first ? o : _mm256_fmadd_ps(o, b, _mm256_mul_ps(_mm256_load_ps(to.o + i), a));
    _mm256_store_ps(to.o + i, sum);
  }
  *to.l = first ? *part.l : __builtin_fmaf(*part.l, new_weight, *to.l * old_weight);
  *to.m = m;
}

void Avx2::Finish(const Part& part, float sink_log2, int64_t d, Bf16* out) {
  // The weight 2^-m was left out of o and l; a sink above m needs them smaller.
  const float m = sink_log2 > *part.m ? sink_log2 : *part.m;
  const float weight = m == kUnseen ? 0.0f : Exp2(*part.m - m);
  const float sink = m == kUnseen ? 0.0f : Exp2(sink_log2 - m);
  const float sum = __builtin_fmaf(*part.l, weight, sink);
  const bool sees = *part.l != 0;
  const __m256 inverse = _mm256_set1_ps(sees ? weight / sum : 0.0f);
  for (int64_t i = 0; i < d; i += kLanes) {
    const __m256 o = sees ? _mm256_load_ps(part.o + i) : _mm256_setzero_ps();
    const __m256 mean = _mm256_mul_ps(o, inverse);
    const __m128i rounded = ToBf16s(_mm256_add_ps(mean, _mm256_setzero_ps()));
    if (d - i >= kLanes) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), rounded);
    } else {
      __builtin_memcpy(out + i, &rounded, static_cast<size_t>(d - i) * 2);
    }
  }
}

void Avx2::Widen(const int8_t* from, int64_t count, Bf16* to) {
  for (int64_t i = 0; i < count; i += 16) {
    // A bf16 is the upper half of a float, and an int8 needs no more.
    const Pairs pairs = LoadPairs(from + i);
    const __m256i first = _mm256_srli_epi32(_mm256_castps_si256(pairs.first), 16);
    const __m256i both = _mm256_or_si256(first, _mm256_castps_si256(pairs.second));
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + i), both);
  }
}

}  // namespace

const AttentionIsa kAttentionAvx2 = {.attend = Attend<Avx2>, .merge = Merge<Avx2>};

}  // namespace weir::cpu
