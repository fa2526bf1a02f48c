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

// Eight pairs of whole numbers.
__m256i LoadPairs(const int16_t* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
__m256i LoadPairs(const int8_t* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}

// Lanes [0, count) set.
__m256i LaneMask(int64_t count) {
  const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const int32_t n = count < 0 ? 0 : count > kLanes ? kLanes : static_cast<int32_t>(count);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane);
}

// Sums of products of pairs: in f32, or of whole numbers in 32 bits.
__m256 Dot(__m256 sum, const Pairs& a, const Pairs& b) {
  return _mm256_fmadd_ps(a.second, b.second, _mm256_fmadd_ps(a.first, b.first, sum));
}
__m256i Dot(__m256i sum, __m256i a, __m256i b) {
  return _mm256_add_epi32(sum, _mm256_madd_epi16(a, b));
}

// How sums are kept, and how pair `i` of packed queries or weights is read for all lanes.
template <class E>
struct Arithmetic {
  using Sum = __m256i;
  static __m256i Broadcast(const float* pairs, int64_t i) {
    int32_t bits;
    __builtin_memcpy(&bits, pairs + i, 4);
    return _mm256_set1_epi32(bits);
  }
};
template <>
struct Arithmetic<Bf16> {
  using Sum = __m256;
  static Pairs Broadcast(const float* pairs, int64_t i) {
    return {_mm256_broadcast_ss(pairs + 2 * i), _mm256_broadcast_ss(pairs + 2 * i + 1)};
  }
};

__m256 ToFloats(__m256 sum) { return sum; }
__m256 ToFloats(__m256i sum) { return _mm256_cvtepi32_ps(sum); }

// f32 sums go on from o; whole numbers are summed over the tile and then added to it.
void StartSum(const float* o, __m256* sum) { *sum = _mm256_load_ps(o); }
void StartSum(const float*, __m256i* sum) { *sum = _mm256_setzero_si256(); }
void StoreSum(__m256 sum, const float*, float* o) { _mm256_store_ps(o, sum); }
void StoreSum(__m256i sum, const float* scale, float* o) {
  const __m256 added = _mm256_cvtepi32_ps(sum);
  _mm256_store_ps(o, _mm256_fmadd_ps(added, _mm256_set1_ps(*scale), _mm256_load_ps(o)));
}

// The first `count` pairs, zero beyond.
Pairs LoadPairs(const Bf16* p, int64_t count) {
  return Widen(_mm256_maskload_epi32(reinterpret_cast<const int*>(p), LaneMask(count)));
}
__m256i LoadPairs(const int16_t* p, int64_t count) {
  return _mm256_maskload_epi32(reinterpret_cast<const int*>(p), LaneMask(count));
}
__m256i LoadPairs(const int8_t* p, int64_t count) {
  int8_t pairs[2 * kLanes] = {};
  const int64_t n = count < 0 ? 0 : count > kLanes ? kLanes : count;
  __builtin_memcpy(pairs, p, static_cast<size_t>(n) * 2);
  return LoadPairs(pairs);
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
  static void ScaleScores(float* scores, const float* scales, float scale);
  static void CapScores(float* scores, int count, float scale);
  template <bool kWhole>
  static void Softmax(const SoftmaxRow<Avx2>& row);
  template <class E>
  static void Values(const ValueStrip<Avx2, E>& strip);
  static float Sum(const float* l) {
    return ReduceAdd(_mm256_add_ps(_mm256_load_ps(l), _mm256_load_ps(l + kLanes)));
  }
  static void Fold(const Part& part, const Part& to);
  static void Finish(const Part& part, float sink_log2, int64_t d, Bf16* out);
  static void Widen(const int8_t* from, int64_t count, int16_t* to);
};

template <int kRows, Fetch kFetch, class E>
void ScoresOf(const ScoreStrip<Avx2, E>& strip) {
  using Sum = typename Arithmetic<E>::Sum;
  for (int n = strip.first_panel; n < strip.first_panel + strip.num_panels; ++n) {
    const E* k = strip.tile->k[n];
    const int in_group = n % kPanelsAtOnce;
    const char* const* pieces = strip.pieces + (n == in_group ? 0 : strip.d / 2) + in_group;
    Sum sum[kRows][2];
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) sum[m][0] = sum[m][1] = Sum{};
    for (int64_t i = 0; i < strip.d / 2; ++i) {
      const auto low = LoadPairs(k + i * 32);
      const auto high = LoadPairs(k + i * 32 + 16);
      FetchQuarter<E, kFetch>(pieces, i / 4 * 4, i % 4);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const auto q = Arithmetic<E>::Broadcast(strip.q, i * kRows + m);
        sum[m][0] = Dot(sum[m][0], q, low);
        sum[m][1] = Dot(sum[m][1], q, high);
      }
    }
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      float* scores = strip.scores + m * kKvTile + n * kPanelTokens;
      _mm256_store_ps(scores, ToFloats(sum[m][0]));
      _mm256_store_ps(scores + kLanes, ToFloats(sum[m][1]));
    }
  }
}

// Adds the tile's tokens to kRows rows of o, dims [first, first + 16); of these, `count` exist.
template <int kRows, bool kWhole, Fetch kFetch, class E>
void ValuesOf(const ValueStrip<Avx2, E>& strip, int64_t first, int64_t count) {
  typename Arithmetic<E>::Sum sum[kRows][2];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    const float* o = strip.o + m * strip.padded_d + first;
    StartSum(o, &sum[m][0]);
    StartSum(o + kLanes, &sum[m][1]);
  }
  const char* const* pieces = strip.pieces + strip.d + first / kDimsAtOnce * 64;
  const auto quarter = static_cast<int>(first % kDimsAtOnce / 16);
  // Panels in turn: the processor's own prefetchers do more with several streams.
  for (int t = 0; t < kPanelTokens / 2; ++t) {
    const int64_t at = (t * strip.d + first) * 2;
    for (int n = 0; n < strip.num_panels; ++n) {
      const E* v = strip.tile->v[n] + at;
      const auto low = kWhole ? LoadPairs(v) : LoadPairs(v, count);
      const auto high = kWhole ? LoadPairs(v + 16) : LoadPairs(v + 16, count - kLanes);
      FetchQuarter<E, kFetch>(pieces, t * kTilePanels + n, quarter);
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const auto p = Arithmetic<E>::Broadcast(strip.p + m * kKvTile, n * kPanelTokens / 2 + t);
        sum[m][0] = Dot(sum[m][0], p, low);
        sum[m][1] = Dot(sum[m][1], p, high);
      }
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
    float* o = strip.o + m * strip.padded_d + first;
    StoreSum(sum[m][0], strip.p_scales + m, o);
    StoreSum(sum[m][1], strip.p_scales + m, o + kLanes);
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

void Avx2::ScaleScores(float* scores, const float* scales, float scale) {
  for (int i = 0; i < kPanelTokens; i += kLanes) {
    const __m256 both = _mm256_mul_ps(_mm256_loadu_ps(scales + i), _mm256_set1_ps(scale));
    _mm256_store_ps(scores + i, _mm256_mul_ps(_mm256_load_ps(scores + i), both));
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

constexpr int kTileVecs = kKvTile / kLanes;

// Weights `p` times the scales of their values as whole numbers.
void StoreWhole(const SoftmaxRow<Avx2>& row, __m256* p) {
  __m256 largest = _mm256_setzero_ps();
  for (int n = 0; n < kTileVecs; ++n) {
    p[n] = _mm256_mul_ps(p[n], _mm256_loadu_ps(row.v_scales[n / 2] + n % 2 * kLanes));
    largest = _mm256_max_ps(largest, p[n]);
  }
  const float most = ReduceMax(largest);
  *row.p_scale = most * (1.0f / INT16_MAX);
  const __m256 inverse = _mm256_set1_ps(most > kLeastWeight ? INT16_MAX / most : 0.0f);
  auto* to = reinterpret_cast<__m256i*>(row.p);
  for (int n = 0; n < kTileVecs; n += 2) {
    const __m256i low = _mm256_cvtps_epi32(_mm256_mul_ps(p[n], inverse));
    const __m256i high = _mm256_cvtps_epi32(_mm256_mul_ps(p[n + 1], inverse));
    _mm256_store_si256(to + n / 2, _mm256_permute4x64_epi64(_mm256_packs_epi32(low, high), 0xD8));
  }
}

template <bool kWhole>
void Avx2::Softmax(const SoftmaxRow<Avx2>& row) {
  const __m256 unseen = _mm256_set1_ps(kUnseen);
  __m256 s[kTileVecs];
  __m256 largest = unseen;
#pragma GCC unroll 16
  for (int n = 0; n < kTileVecs; ++n) {
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
  for (int n = 0; n < kTileVecs; ++n) {
    s[n] = Exp2(_mm256_fmadd_ps(s[n], scale, minus_m));
    l[n % 2] = _mm256_add_ps(l[n % 2], s[n]);
    if constexpr (!kWhole) _mm256_store_ps(row.p + n * kLanes, s[n]);
  }
  _mm256_store_ps(row.l, l[0]);
  _mm256_store_ps(row.l + kLanes, l[1]);
  if constexpr (kWhole) StoreWhole(row, s);
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

void Avx2::Widen(const int8_t* from, int64_t count, int16_t* to) {
  for (int64_t i = 0; i < count; i += 16) {
    _mm256_store_si256(reinterpret_cast<__m256i*>(to + i), LoadPairs(from + i));
  }
}

}  // namespace

const AttentionIsa kAttentionAvx2 = {.attend = Attend<Avx2>, .merge = Merge<Avx2>};

}  // namespace weir::cpu
