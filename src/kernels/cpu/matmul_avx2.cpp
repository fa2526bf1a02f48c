// SPDX-License-Identifier: Apache-2.0
//
// The matrix product with AVX2 and FMA: bf16 becomes f32 by a shift or a mask, and a pair of k is
// added in two steps, the even one first. The products are exact in f32 and the sums are fused.
#include <immintrin.h>

#include "kernels/cpu/matmul-inl.h"

namespace weir::cpu {
namespace {

struct Avx2 {
  using Vec = __m256;
  using W = __m256;
  using B = __m256;
  using X = float;
  static constexpr int kLanes = 8;
  static constexpr int kXPerPair = 2;
  static constexpr int kSteps = 2;
  static constexpr int kBlockRows =
      5;  // 10 sums, 2 weights and a broadcast; 6 rows make GCC 12 spill
  static constexpr int kTileRows = 45;

  static constexpr int PanelsFor(int rows) { return rows == 1 ? 4 : rows == 2 ? 2 : 1; }

  static Vec Zero() { return _mm256_setzero_ps(); }
  static Vec Load(const float* p) { return _mm256_loadu_ps(p); }
  static void Store(float* p, Vec v) { _mm256_storeu_ps(p, v); }
  static Vec Add(Vec a, Vec b) { return _mm256_add_ps(a, b); }

  static __m256i First(int count) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(count), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  }
  static Vec LoadPart(const float* p, int count) { return _mm256_maskload_ps(p, First(count)); }
  static void StorePart(float* p, int count, Vec v) { _mm256_maskstore_ps(p, First(count), v); }

  static W Weights(const char* p, int v, int step) {
    const __m256i pairs = _mm256_load_si256(reinterpret_cast<const __m256i*>(p) + v);
    return _mm256_castsi256_ps(step == 0 ? _mm256_slli_epi32(pairs, 16)
                                         : _mm256_and_si256(pairs, _mm256_set1_epi32(-65536)));
  }
  static B Broadcast(const X* x, int step) { return _mm256_broadcast_ss(x + step); }
  static Vec Dot(Vec sum, B x, W w) { return _mm256_fmadd_ps(x, w, sum); }

  static void CopyX(const Bf16* from, int count, X* to) {
    int i = 0;
    for (; i + 8 <= count; i += 8) {
      const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
      const __m256i wide = _mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16);
      _mm256_store_si256(reinterpret_cast<__m256i*>(to + i), wide);
    }
    for (; i < count; ++i) {
      to[i] = _mm_cvtss_f32(_mm_castsi128_ps(_mm_cvtsi32_si128(from[i].bits << 16)));
    }
    if (count % 2 != 0) to[count] = 0;
  }
};

}  // namespace

extern const MatmulIsa kMatmulAvx2;
const MatmulIsa kMatmulAvx2 = {Avx2::kBlockRows, Avx2::kTileRows, ComputeTile<Avx2>};

}  // namespace weir::cpu
