// SPDX-License-Identifier: Apache-2.0
//
// The matrix product with AVX512-BF16: one instruction adds a pair of k for 16 outputs.
#include <immintrin.h>

#include "kernels/cpu/matmul-inl.h"

namespace weir::cpu {
namespace {

struct Avx512 {
  using Vec = __m512;
  using W = __m512bh;
  using B = __m512bh;
  using X = uint32_t;
  static constexpr int kLanes = 16;
  static constexpr int kXPerPair = 1;
  static constexpr int kSteps = 1;
  static constexpr int kBlockRows = 12;  // 24 sums, 2 weights and a broadcast in 32 registers
  static constexpr int kTileRows = 48;

  // Many sums hide the 6 cycles that a sum waits for its predecessor; few rows take more panels, to
  // have more streams of weights on their way.
  static constexpr int PanelsFor(int rows) {
    return rows <= 3 ? 8 : rows == 4 ? 6 : rows <= 6 ? 4 : 2;
  }

  static Vec Zero() { return _mm512_setzero_ps(); }
  static Vec Load(const float* p) { return _mm512_loadu_ps(p); }
  static void Store(float* p, Vec v) { _mm512_storeu_ps(p, v); }
  static Vec Add(Vec a, Vec b) { return _mm512_add_ps(a, b); }

  static __mmask16 First(int count) { return static_cast<__mmask16>((1u << count) - 1); }
  static Vec LoadPart(const float* p, int count) { return _mm512_maskz_loadu_ps(First(count), p); }
  static void StorePart(float* p, int count, Vec v) { _mm512_mask_storeu_ps(p, First(count), v); }

  static W Weights(const char* p, int, int) { return reinterpret_cast<W>(_mm512_load_si512(p)); }
  static B Broadcast(const X* x, int) {
    return reinterpret_cast<B>(_mm512_set1_epi32(static_cast<int>(*x)));
  }
  static Vec Dot(Vec sum, B x, W w) { return _mm512_dpbf16_ps(sum, x, w); }

  static void CopyX(const Bf16* from, int count, X* to) {
    int i = 0;
    for (; i + 32 <= count; i += 32) {
      _mm512_store_si512(to + i / 2, _mm512_loadu_si512(from + i));
    }
    if (i == count) return;
    const __mmask32 mask = (uint32_t{1} << (count - i)) - 1;
    _mm512_store_si512(to + i / 2, _mm512_maskz_loadu_epi16(mask, from + i));
  }
};

}  // namespace

extern const MatmulIsa kMatmulAvx512;
const MatmulIsa kMatmulAvx512 = {Avx512::kBlockRows, Avx512::kTileRows, ComputeTile<Avx512>};

}  // namespace weir::cpu
