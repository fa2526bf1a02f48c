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

// One line of each of kStreams stretches.
template <int kStreams>
void Prefetch(const Bf16* const* streams, int64_t line) {
#pragma GCC unroll 8
  for (int s = 0; s < kStreams; ++s) {
    _mm_prefetch(reinterpret_cast<const char*>(streams[s] + line * 32), _MM_HINT_T1);
  }
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

template <int kRows, int kPanels>
void ScoresOf(const ScoreStrip<Avx512>& strip) {
  const Bf16* k[kPanels];
  __m512 sum[kRows][kPanels];
#pragma GCC unroll 8
  for (int n = 0; n < kPanels; ++n) {
    k[n] = strip.tile->k[n];
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) sum[m][n] = _mm512_setzero_ps();
  }
  const Bf16* q = strip.q;
  for (int64_t i = 0; i < strip.d / 2; ++i) {
    // The first half of the next tile, keys and values in turn; ValuesOf fetches the rest.
    Prefetch<kTilePanels>(strip.tile->next + i % 2 * kTilePanels, i / 2);
    __m512i keys[kPanels];
#pragma GCC unroll 8
    for (int n = 0; n < kPanels; ++n) keys[n] = LoadPairs(k[n] + i * 32);
#pragma GCC unroll 8
    for (int m = 0; m < kRows; ++m) {
      const __m512i pair = Broadcast(q + m * 2);
#pragma GCC unroll 8
      for (int n = 0; n < kPanels; ++n) sum[m][n] = Dot(sum[m][n], pair, keys[n]);
    }
    q += kRows * 2;
  }
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int n = 0; n < kPanels; ++n) {
      _mm512_store_ps(strip.scores + m * kKvTile + n * 16, sum[m][n]);
    }
  }
}

// Adds the tile's tokens to kRows rows of o, dims [first, first + 16 kVecs) under `mask`.
template <int kRows, int kVecs>
void ValuesOf(const ValueStrip<Avx512>& strip, int64_t first, __mmask16 mask) {
  __m512 sum[kRows][kVecs];
#pragma GCC unroll 8
  for (int m = 0; m < kRows; ++m) {
#pragma GCC unroll 8
    for (int c = 0; c < kVecs; ++c) {
      sum[m][c] = _mm512_load_ps(strip.o + m * strip.padded_d + first + c * 16);
    }
  }
  for (int n = 0; n < strip.num_panels; ++n) {
    const Bf16* v = strip.tile->v[n] + first * 2;
    const Bf16* p = strip.p + n * kPanelTokens;
    for (int t = 0; t < kPanelTokens / 2; ++t) {
      const int step = n * (kPanelTokens / 2) + t;
      if (kVecs == 8) Prefetch<8>(strip.tile->next, strip.d / 4 + first / 4 + step);
      if (kVecs == 4) {
        Prefetch<4>(strip.tile->next + t % 2 * 4, strip.d / 4 + first / 4 + step / 2);
      }
      __m512i values[kVecs];
#pragma GCC unroll 8
      for (int c = 0; c < kVecs; ++c) {
        values[c] = kVecs == 1 ? _mm512_maskz_loadu_epi32(mask, v) : LoadPairs(v + c * 32);
      }
#pragma GCC unroll 8
      for (int m = 0; m < kRows; ++m) {
        const __m512i pair = Broadcast(p + m * kKvTile);
#pragma GCC unroll 8
        for (int c = 0; c < kVecs; ++c) sum[m][c] = Dot(sum[m][c], pair, values[c]);
      }
      v += strip.d * 2;
      p += 2;
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
template <int kRows>
void ValuesOfRows(const ValueStrip<Avx512>& strip) {
  constexpr int kVecs = kRows <= 3 ? 8 : 4;
  int64_t first = 0;
  for (; first + 16 * kVecs <= strip.d; first += 16 * kVecs) {
    ValuesOf<kRows, kVecs>(strip, first, 0xFFFF);
  }
  for (; first + 64 <= strip.d; first += 64) ValuesOf<kRows, 4>(strip, first, 0xFFFF);
  for (; first < strip.d; first += 16) {
    const int64_t left = strip.d - first;
    const uint32_t mask = left >= 16 ? 0xFFFFu : (1u << left) - 1;
    ValuesOf<kRows, 1>(strip, first, static_cast<__mmask16>(mask));
  }
}

template <int kRows>
constexpr void (*kScoresByPanels[kTilePanels])(const ScoreStrip<Avx512>&) = {
    ScoresOf<kRows, 1>, ScoresOf<kRows, 2>, ScoresOf<kRows, 3>, ScoresOf<kRows, 4>};

void Avx512::Scores(const ScoreStrip<Avx512>& strip) {
  switch (strip.rows) {
    case 1:
      return kScoresByPanels<1>[strip.num_panels - 1](strip);
    case 2:
      return kScoresByPanels<2>[strip.num_panels - 1](strip);
    case 3:
      return kScoresByPanels<3>[strip.num_panels - 1](strip);
    case 4:
      return kScoresByPanels<4>[strip.num_panels - 1](strip);
    case 5:
      return kScoresByPanels<5>[strip.num_panels - 1](strip);
    default:
      return kScoresByPanels<6>[strip.num_panels - 1](strip);
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
  const uint64_t seen = row.visible >= kKvTile ? ~uint64_t{0}
                        : row.visible > 0      ? (uint64_t{1} << row.visible) - 1
                                               : 0;
  __m512 s[kTilePanels];
#pragma GCC unroll 8
  for (int n = 0; n < kTilePanels; ++n) {
    s[n] =
        _mm512_mask_load_ps(unseen, static_cast<__mmask16>(seen >> (16 * n)), row.scores + n * 16);
  }
  const __m512 largest = _mm512_max_ps(_mm512_max_ps(s[0], s[1]), _mm512_max_ps(s[2], s[3]));
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
    const uint32_t mask = d - i >= 16 ? 0xFFFFu : (1u << (d - i)) - 1;
    _mm256_mask_storeu_epi16(out + i, static_cast<__mmask16>(mask), (__m256i)rounded);
  }
}

}  // namespace

const AttentionIsa kAttentionAvx512 = {.attend = Attend<Avx512>};

}  // namespace weir::cpu
