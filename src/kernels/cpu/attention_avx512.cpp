// SPDX-License-Identifier: Apache-2.0
//
// Paged attention with AVX-512 and its bf16 dot product, which multiplies pairs as they lie in the
// pages. Compiled with those instructions on: see the rules for per-instruction-set files.
#include "kernels/cpu/attention-inl.h"

namespace weir::cpu {
namespace {

__m512 Dot(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
}

__m512i LoadPairs(const Bf16* p) { return _mm512_loadu_si512(p); }

// Two bf16 for all lanes.
__m512i Broadcast(const Bf16* pair) {
  int32_t bits;
  __builtin_memcpy(&bits, pair, 4);
  return _mm512_set1_epi32(bits);
}

void Prefetch(const Bf16* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

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
  // Weights are rounded to bf16, a relative error of at most 2^-9 each. Their sum is taken from the
  // rounded weights: then the output is a true weighted mean of the values, equal values come out
  // exactly, and the rounding only shifts weight between tokens.
  using Weight = Bf16;
  static constexpr int kRows = 6;  // 6 x 4 sums, 4 vectors of keys or values, one broadcast
  static constexpr int kQueryPerPair = 2;

  static void PackQuery(const Bf16* pair, Query* to) { __builtin_memcpy(to, pair, 4); }
  static void Scores(const ScoreStrip<Avx512>& strip);
  static void Softmax(const SoftmaxRow<Avx512>& row);
  static void Values(const ValueStrip<Avx512>& strip);
  static void Finish(const float* o, const float* l, int64_t d, Bf16* out);
};

template <int kRows, int kPanels, Fetch kFetch>
void ScoresOf(const ScoreStrip<Avx512>& strip, int first) {
  const Bf16* k[kPanels];
  const Bf16* next[kPanels];
  __m512 sum[kRows][kPanels];
#pragma GCC unroll 8
  for (int n = 0; n < kPanels; ++n) {
    k[n] = strip.tile->k[first + n];
    next[n] = strip.tile->next_k[first + n];
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) sum[m][n] = _mm512_setzero_ps();
  }
  const Bf16* q = strip.q;
  for (int64_t i = 0; i < strip.d / 2; ++i) {
    __m512i keys[kPanels];
#pragma GCC unroll 8
    for (int n = 0; n < kPanels; ++n) {
      keys[n] = LoadPairs(k[n] + i * 32);
      if (Fetches(kFetch, n)) Prefetch(next[n] + i * 32);
    }
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
    for (int n = 0; n < kPanels; ++n) _mm512_store_ps(scores + m * kKvTile + n * 16, sum[m][n]);
  }
}

// As many panels at once as registers hold sums for.
template <int kRows, Fetch kFetch>
void ScoresOfRows(const ScoreStrip<Avx512>& strip) {
  int n = strip.first_panel;
  const int end = n + strip.num_panels;
  if constexpr (kRows <= kSmallStripRows) {
    for (; n + 8 <= end; n += 8) ScoresOf<kRows, 8, kFetch>(strip, n);
  }
  for (; n + 4 <= end; n += 4) ScoresOf<kRows, 4, kFetch>(strip, n);
  for (; n + 2 <= end; n += 2) ScoresOf<kRows, 2, kFetch>(strip, n);
  for (; n < end; ++n) ScoresOf<kRows, 1, kFetch>(strip, n);
}

// Adds the tile's tokens to kRows rows of o, dims [first, first + 16 kVecs) under `mask`.
template <int kRows, int kVecs, Fetch kFetch>
void ValuesOf(const ValueStrip<Avx512>& strip, int64_t first, __mmask16 mask) {
  __m512 sum[kRows][kVecs];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int c = 0; c < kVecs; ++c) {
      sum[m][c] = _mm512_load_ps(strip.o + m * strip.padded_d + first + c * 16);
    }
  }
  // The panels in turn: see Tile on prefetching.
  for (int t = 0; t < kPanelTokens / 2; ++t) {
    const int64_t at = (t * strip.d + first) * 2;
    for (int n = 0; n < strip.num_panels; ++n) {
      __m512i values[kVecs];
#pragma GCC unroll 8
      for (int c = 0; c < kVecs; ++c) {
        const Bf16* v = strip.tile->v[n] + at + c * 32;
        values[c] = kVecs == 1 ? _mm512_maskz_loadu_epi32(mask, v) : LoadPairs(v);
        if (Fetches(kFetch, c)) Prefetch(strip.tile->next_v[n] + at + c * 32);
      }
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const __m512i pair = Broadcast(strip.p + m * kKvTile + n * kPanelTokens + t * 2);
#pragma GCC unroll 8
        for (int c = 0; c < kVecs; ++c) sum[m][c] = Dot(sum[m][c], pair, values[c]);
      }
    }
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int c = 0; c < kVecs; ++c) {
      _mm512_store_ps(strip.o + m * strip.padded_d + first + c * 16, sum[m][c]);
    }
  }
}

// Few rows need more dims at once to keep enough sums in flight.
template <int kRows, Fetch kFetch>
void ValuesOfRows(const ValueStrip<Avx512>& strip) {
  constexpr int kVecs = kRows <= kSmallStripRows ? 8 : 4;
  int64_t dim = strip.first_dim;
  const int64_t end = strip.end_dim;
  for (; dim + 16 * kVecs <= end; dim += 16 * kVecs)
    ValuesOf<kRows, kVecs, kFetch>(strip, dim, 0xFFFF);
  for (; dim + 64 <= end; dim += 64) ValuesOf<kRows, 4, kFetch>(strip, dim, 0xFFFF);
  for (; dim < end; dim += 16) ValuesOf<kRows, 1, kFetch>(strip, dim, FirstLanes(end - dim));
}

template <int kRows>
void ScoresOfRows(const ScoreStrip<Avx512>& strip) {
  if constexpr (kRows <= kSmallStripRows) {
    if (strip.fetch == Fetch::kEven) return ScoresOfRows<kRows, Fetch::kEven>(strip);
    if (strip.fetch == Fetch::kOdd) return ScoresOfRows<kRows, Fetch::kOdd>(strip);
  }
  if (strip.fetch == Fetch::kNone) return ScoresOfRows<kRows, Fetch::kNone>(strip);
  ScoresOfRows<kRows, Fetch::kAll>(strip);
}

template <int kRows>
void ValuesOfRows(const ValueStrip<Avx512>& strip) {
  if constexpr (kRows <= kSmallStripRows) {
    if (strip.fetch == Fetch::kEven) return ValuesOfRows<kRows, Fetch::kEven>(strip);
    if (strip.fetch == Fetch::kOdd) return ValuesOfRows<kRows, Fetch::kOdd>(strip);
  }
  if (strip.fetch == Fetch::kNone) return ValuesOfRows<kRows, Fetch::kNone>(strip);
  ValuesOfRows<kRows, Fetch::kAll>(strip);
}

void Avx512::Scores(const ScoreStrip<Avx512>& strip) {
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

void Avx512::Values(const ValueStrip<Avx512>& strip) {
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

void Avx512::Softmax(const SoftmaxRow<Avx512>& row) {
  const __m512 unseen = _mm512_set1_ps(-__builtin_inff());
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
  const float offset = *row.m == -__builtin_inff() ? 0.0f : *row.m;
  const __m512 scale = _mm512_set1_ps(row.scale_log2);
  const __m512 minus_m = _mm512_set1_ps(-offset);
  const __m512i ones = _mm512_set1_epi32(0x3F803F80);
  __m512 l = _mm512_load_ps(row.l);
#pragma GCC unroll 8
  for (int n = 0; n < kTilePanels; n += 2) {
    const __m512 low = Exp2(_mm512_fmadd_ps(s[n], scale, minus_m));
    const __m512 high = Exp2(_mm512_fmadd_ps(s[n + 1], scale, minus_m));
    const __m512i p = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    _mm512_store_si512(row.p + n * 16, p);
    l = Dot(l, p, ones);
  }
  _mm512_store_ps(row.l, l);
}

void Avx512::Finish(const float* o, const float* l, int64_t d, Bf16* out) {
  const float sum = _mm512_reduce_add_ps(_mm512_load_ps(l));
  const __m512 inverse = _mm512_set1_ps(sum > 0 ? 1.0f / sum : 0.0f);
  for (int64_t i = 0; i < d; i += 16) {
    const __m512 mean = _mm512_mul_ps(_mm512_load_ps(o + i), inverse);
    const __m256bh rounded = _mm512_cvtneps_pbh(_mm512_add_ps(mean, _mm512_setzero_ps()));
    _mm256_mask_storeu_epi16(out + i, FirstLanes(d - i), (__m256i)rounded);
  }
}

}  // namespace

const AttentionIsa kAttentionAvx512 = {.attend = Attend<Avx512>};

}  // namespace weir::cpu
