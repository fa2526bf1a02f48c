// SPDX-License-Identifier: Apache-2.0
//
// The elementwise ops with AVX-512. Compiled with those instructions on: see the rules for
// per-instruction-set files.
#include <immintrin.h>
#include <stdint.h>

#include "tensor/dtype.h"

namespace weir::cpu {
namespace {

struct Simd {
  using F = __m512;
  static constexpr int kLanes = 16;

  static __mmask16 Mask(int n) { return static_cast<__mmask16>((1u << n) - 1); }
  static F Load(const float* p) { return _mm512_loadu_ps(p); }
  static F LoadN(const float* p, int n) { return _mm512_maskz_loadu_ps(Mask(n), p); }
  static void StoreBf16(Bf16* p, F x) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), (__m256i)_mm512_cvtneps_pbh(x));
  }
  static void StoreBf16N(Bf16* p, F x, int n) {
    _mm256_mask_storeu_epi16(p, Mask(n), (__m256i)_mm512_cvtneps_pbh(x));
  }
  static void Store(float* p, F x) { _mm512_storeu_ps(p, x); }
  static void StoreN(float* p, F x, int n) { _mm512_mask_storeu_ps(p, Mask(n), x); }
  static void StoreInt8N(int8_t* p, F x, int n) {
    // Only infinities and NaN are out of range.
    const __m512i whole = _mm512_max_epi32(_mm512_set1_epi32(-127), _mm512_cvtps_epi32(x));
    _mm_mask_storeu_epi8(p, Mask(n), _mm512_cvtsepi32_epi8(whole));
  }
  static F Abs(F x) { return _mm512_abs_ps(x); }
  static float ReduceMax(F x) { return _mm512_reduce_max_ps(x); }
  static F Set(float x) { return _mm512_set1_ps(x); }
  static F Add(F a, F b) { return _mm512_add_ps(a, b); }
  static F Sub(F a, F b) { return _mm512_sub_ps(a, b); }
  static F Mul(F a, F b) { return _mm512_mul_ps(a, b); }
  static F Div(F a, F b) { return _mm512_div_ps(a, b); }
  static F Fma(F a, F b, F c) { return _mm512_fmadd_ps(a, b, c); }
  static F Fnma(F a, F b, F c) { return _mm512_fnmadd_ps(a, b, c); }
  static float ReduceAdd(F x) { return _mm512_reduce_add_ps(x); }
  static F Min(F a, F b) { return _mm512_min_ps(a, b); }
  static F Max(F a, F b) { return _mm512_max_ps(a, b); }
  static F Round(F x) {
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  static F TimesPowerOf2(F x, F n) { return _mm512_scalef_ps(x, n); }

  static void LoadColumn(const Bf16* pairs, float* to) {
    const __m512i line = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i words = _mm512_i32gather_epi32(_mm512_slli_epi32(line, 6), pairs, 1);
    const __m512i low = _mm512_slli_epi32(words, 16);
    const __m512i high = _mm512_andnot_si512(_mm512_set1_epi32(0xFFFF), words);
    const __m512i first = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    const __m512i second = _mm512_add_epi32(first, _mm512_set1_epi32(8));
    _mm512_storeu_si512(to, _mm512_permutex2var_epi32(low, first, high));
    _mm512_storeu_si512(to + kLanes, _mm512_permutex2var_epi32(low, second, high));
  }

  static void MergePairs(F values, int n, bool odd, Bf16* to) {
    const __mmask16 mask = static_cast<__mmask16>((uint32_t{1} << n) - 1);
    const __m512i half = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(values));
    const __m512i old = _mm512_maskz_loadu_epi32(mask, to);
    const __m512i other = _mm512_set1_epi32(odd ? 0xFFFF : static_cast<int32_t>(0xFFFF0000u));
    const __m512i mine = odd ? _mm512_slli_epi32(half, 16) : half;
    _mm512_mask_storeu_epi32(to, mask, _mm512_or_si512(_mm512_and_si512(old, other), mine));
  }
};

}  // namespace
}  // namespace weir::cpu

#include "kernels/cpu/elementwise-inl.h"

namespace weir::cpu {

const ElementwiseIsa kElementwiseAvx512 = kFunctions;

}  // namespace weir::cpu
