// SPDX-License-Identifier: Apache-2.0
//
// The elementwise ops with AVX2 and FMA. Compiled with those instructions on: see the rules for
// per-instruction-set files.
#include <immintrin.h>
#include <stdint.h>

#include "tensor/dtype.h"

namespace weir::cpu {
namespace {

struct Simd {
  using F = __m256;
  static constexpr int kLanes = 8;

  static __m256i Mask(int n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static F Load(const float* p) { return _mm256_loadu_ps(p); }
  static F LoadN(const float* p, int n) { return _mm256_maskload_ps(p, Mask(n)); }
  // The bits of eight bf16 in the upper halves of the lanes; the lower halves hold anything.
  static __m256i RoundToBf16(F x) {
    const __m256i bits = _mm256_castps_si256(x);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256i bias = _mm256_add_epi32(odd, _mm256_set1_epi32(0x7FFF));
    const __m256i quiet = _mm256_or_si256(bits, _mm256_set1_epi32(0x400000));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    return _mm256_blendv_epi8(_mm256_add_epi32(bits, bias), quiet, nan);
  }
  static __m128i ToBf16s(F x) {
    const __m256i upper = _mm256_srli_epi32(RoundToBf16(x), 16);
    const __m256i packed = _mm256_packus_epi32(upper, upper);
    return _mm256_castsi256_si128(_mm256_permute4x64_epi64(packed, 0x08));
  }
  static void StoreBf16(Bf16* p, F x) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(p), ToBf16s(x));
  }
  static void StoreBf16N(Bf16* p, F x, int n) {
    const __m128i values = ToBf16s(x);
    __builtin_memcpy(p, &values, static_cast<size_t>(n) * 2);
  }
  static void Store(float* p, F x) { _mm256_storeu_ps(p, x); }
  static void StoreN(float* p, F x, int n) { _mm256_maskstore_ps(p, Mask(n), x); }
  static void StoreInt8N(int8_t* p, F x, int n) {
    // Only infinities and NaN are out of range.
    const __m256i whole = _mm256_max_epi32(_mm256_set1_epi32(-127), _mm256_cvtps_epi32(x));
    const __m256i words = _mm256_packs_epi32(whole, whole);
    const __m256i bytes = _mm256_packs_epi16(words, words);
    const uint64_t all = static_cast<uint32_t>(_mm256_extract_epi32(bytes, 0)) |
                         uint64_t{static_cast<uint32_t>(_mm256_extract_epi32(bytes, 4))} << 32;
    __builtin_memcpy(p, &all, static_cast<size_t>(n));
  }
  static F Abs(F x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
  static float ReduceMax(F x) {
    __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_max_ps(y, _mm_movehl_ps(y, y));
    y = _mm_max_ss(y, _mm_movehdup_ps(y));
    return _mm_cvtss_f32(y);
  }
  static F Set(float x) { return _mm256_set1_ps(x); }
  static F Add(F a, F b) { return _mm256_add_ps(a, b); }
  static F Sub(F a, F b) { return _mm256_sub_ps(a, b); }
  static F Mul(F a, F b) { return _mm256_mul_ps(a, b); }
  static F Div(F a, F b) { return _mm256_div_ps(a, b); }
  static F Fma(F a, F b, F c) { return _mm256_fmadd_ps(a, b, c); }
  static F Fnma(F a, F b, F c) { return _mm256_fnmadd_ps(a, b, c); }
  static F Min(F a, F b) { return _mm256_min_ps(a, b); }
  static F Max(F a, F b) { return _mm256_max_ps(a, b); }
  static F Round(F x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
  static float ReduceAdd(F x) {
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    y = _mm_add_ss(y, _mm_movehdup_ps(y));
    return _mm_cvtss_f32(y);
  }
  // In two steps, because 2^n itself may be out of range.
  static F TimesPowerOf2(F x, F n) {
    const __m256i whole = _mm256_cvtps_epi32(n);
    const __m256i half = _mm256_srai_epi32(whole, 1);
    return Mul(Mul(x, PowerOf2(half)), PowerOf2(_mm256_sub_epi32(whole, half)));
  }
  static F PowerOf2(__m256i n) {
    const __m256i exponent = _mm256_add_epi32(n, _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(exponent, 23));
  }

  static void LoadColumn(const Bf16* pairs, float* to) {
    const __m256i bytes = _mm256_setr_epi32(0, 64, 128, 192, 256, 320, 384, 448);
    const __m256i words = _mm256_i32gather_epi32(reinterpret_cast<const int*>(pairs), bytes, 1);
    const __m256i low = _mm256_slli_epi32(words, 16);
    const __m256i high = _mm256_and_si256(words, UpperHalves());
    const __m256i first = _mm256_unpacklo_epi32(low, high);   // pairs 0, 1 and 4, 5
    const __m256i second = _mm256_unpackhi_epi32(low, high);  // pairs 2, 3 and 6, 7
    auto* out = reinterpret_cast<__m256i*>(to);
    _mm256_storeu_si256(out, _mm256_permute2x128_si256(first, second, 0x20));
    _mm256_storeu_si256(out + 1, _mm256_permute2x128_si256(first, second, 0x31));
  }

  static void MergePairs(F values, int n, bool odd, Bf16* to) {
    const __m256i mask = Mask(n);
    auto* words = reinterpret_cast<int*>(to);
    const __m256i old = _mm256_maskload_epi32(words, mask);
    const __m256i bits = RoundToBf16(values);
    const __m256i merged = odd ? _mm256_blend_epi16(old, bits, 0xAA)
                               : _mm256_blend_epi16(_mm256_srli_epi32(bits, 16), old, 0xAA);
    _mm256_maskstore_epi32(words, mask, merged);
  }
  static __m256i UpperHalves() { return _mm256_set1_epi32(static_cast<int32_t>(0xFFFF0000u)); }
};

}  // namespace
}  // namespace weir::cpu

#include "kernels/cpu/elementwise-inl.h"

namespace weir::cpu {

const ElementwiseIsa kElementwiseAvx2 = kFunctions;

}  // namespace weir::cpu
