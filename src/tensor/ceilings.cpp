// SPDX-License-Identifier: Apache-2.0
//
// The instruction set is chosen at run time by function attributes, so this file needs no flags.
#include "tensor/ceilings.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread_pool.h"
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weir {
namespace {

// Enough to hide the latency of any of these instructions. They begin with different values, or the
// compiler would compute one for all.
constexpr int kSums = 16;
constexpr int64_t kSteps = 60000;
constexpr int kPieces = 15;
constexpr int64_t kPieceBytes = int64_t{4} << 20;

#if defined(__x86_64__)
#define WEIR_TARGET(isa) __attribute__((target(isa)))

WEIR_TARGET("avx512f") double ReadAvx512(const char* p, int64_t bytes) {
  __m512i sum[8] = {};
  for (int64_t i = 0; i + 512 <= bytes; i += 512) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      _mm_prefetch(p + i + j * 64 + 8192, _MM_HINT_T1);
      sum[j] = _mm512_xor_si512(sum[j], _mm512_load_si512(p + i + j * 64));
    }
  }
  for (int j = 1; j < 8; ++j) sum[0] = _mm512_xor_si512(sum[0], sum[j]);
  return static_cast<double>(_mm512_cvtss_f32(_mm512_castsi512_ps(sum[0])));
}

WEIR_TARGET("avx2") double ReadAvx2(const char* p, int64_t bytes) {
  __m256i sum[8] = {};
  for (int64_t i = 0; i + 256 <= bytes; i += 256) {
#pragma GCC unroll 8
    for (int j = 0; j < 8; ++j) {
      if (j % 2 == 0) _mm_prefetch(p + i + j * 32 + 8192, _MM_HINT_T1);
      sum[j] = _mm256_xor_si256(
          sum[j], _mm256_load_si256(reinterpret_cast<const __m256i*>(p + i + j * 32)));
    }
  }
  for (int j = 1; j < 8; ++j) sum[0] = _mm256_xor_si256(sum[0], sum[j]);
  return static_cast<double>(_mm256_extract_epi64(sum[0], 0));
}

WEIR_TARGET("avx512f") double FmaAvx512(int64_t steps) {
  __m512 sum[kSums];
  for (int j = 0; j < kSums; ++j) sum[j] = _mm512_set1_ps(static_cast<float>(j));
  __m512 x = _mm512_set1_ps(0x1p-20f);
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < kSums; ++j) sum[j] = _mm512_fmadd_ps(x, x, sum[j]);
    __asm__ volatile("" : "+v"(x));  // keeps the multiplication inside the loop
  }
  for (int j = 1; j < kSums; ++j) sum[0] = _mm512_add_ps(sum[0], sum[j]);
  return static_cast<double>(_mm512_cvtss_f32(sum[0]));
}

WEIR_TARGET("avx512f,avx512bf16") double DotAvx512(int64_t steps) {
  __m512 sum[kSums];
  for (int j = 0; j < kSums; ++j) sum[j] = _mm512_set1_ps(static_cast<float>(j));
  __m512i x = _mm512_set1_epi16(0x3580);
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < kSums; ++j) {
      sum[j] =
          _mm512_dpbf16_ps(sum[j], reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(x));
    }
    __asm__ volatile("" : "+v"(x));
  }
  for (int j = 1; j < kSums; ++j) sum[0] = _mm512_add_ps(sum[0], sum[j]);
  return static_cast<double>(_mm512_cvtss_f32(sum[0]));
}

WEIR_TARGET("avx2,fma") double FmaAvx2(int64_t steps) {
  constexpr int kFew = 12;  // 16 registers
  __m256 sum[kFew];
  for (int j = 0; j < kFew; ++j) sum[j] = _mm256_set1_ps(static_cast<float>(j));
  __m256 x = _mm256_set1_ps(0x1p-20f);
  for (int64_t i = 0; i < steps; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < kFew; ++j) sum[j] = _mm256_fmadd_ps(x, x, sum[j]);
    __asm__ volatile("" : "+x"(x));
  }
  for (int j = 1; j < kFew; ++j) sum[0] = _mm256_add_ps(sum[0], sum[j]);
  return static_cast<double>(_mm256_cvtss_f32(sum[0]));
}
#endif  // __x86_64__

double ReadPlain(const char* p, int64_t bytes) {
  uint64_t sum[8] = {};
  const auto* words = reinterpret_cast<const uint64_t*>(p);
  for (int64_t i = 0; i + 8 <= bytes / 8; i += 8) {
    for (int j = 0; j < 8; ++j) sum[j] ^= words[i + j];
  }
  for (int j = 1; j < 8; ++j) sum[0] ^= sum[j];
  return static_cast<double>(sum[0]);
}

double FmaPlain(int64_t steps) {
  float sum[kSums];
  for (int j = 0; j < kSums; ++j) sum[j] = static_cast<float>(j);
  float x = 0x1p-20f;
  for (int64_t i = 0; i < steps; ++i) {
    for (int j = 0; j < kSums; ++j) sum[j] += x * x;
    __asm__ volatile("" : "+m"(x));
  }
  for (int j = 1; j < kSums; ++j) sum[0] += sum[j];
  return static_cast<double>(sum[0]);
}

struct Loops {
  ReadLoop read = ReadPlain;
  PeakLoop f32 = {FmaPlain, 2.0 * kSums};
  PeakLoop bf16 = {nullptr, 0};
};

Loops LoopsFor([[maybe_unused]] const CpuFeatures& features) {
  Loops loops;
#if defined(__x86_64__)
  if (features.avx2) {
    loops.read = ReadAvx2;
    loops.f32 = {FmaAvx2, 2.0 * 8 * 12};
  }
  if (features.avx512) {
    loops.read = ReadAvx512;
    loops.f32 = {FmaAvx512, 2.0 * 16 * kSums};
  }
  if (features.avx512_bf16) loops.bf16 = {DotAvx512, 2.0 * 32 * kSums};
#endif
  return loops;
}

double Median(std::vector<double>& values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool Near(double a, double b) { return std::abs(a - b) <= 0.15 * std::max(a, b); }

}  // namespace

int64_t LastLevelCacheBytes() {
  const int64_t bytes = ::sysconf(_SC_LEVEL3_CACHE_SIZE);
  return bytes > 0 ? bytes : int64_t{32} << 20;
}

int64_t NumPreemptions() {
  rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_nivcsw;
}

CeilingProbe::CeilingProbe(Buffer memory)
    : features_(DetectCpuFeatures()), memory_(std::move(memory)) {}

Result<CeilingProbe> CeilingProbe::Make() {
  const int64_t bytes = std::max(4 * LastLevelCacheBytes(), int64_t{64} << 20);
  WEIR_ASSIGN_OR_RETURN(Buffer memory, Buffer::Allocate(bytes));
  // Written, because untouched pages are all one page of zeros.
  for (int64_t i = 0; i < bytes / 8; ++i) memory.as<int64_t>()[i] = i;
  return CeilingProbe(std::move(memory));
}

Ceilings CeilingProbe::Measure(ThreadPool& pool) {
  const Loops loops = LoopsFor(features_);
  sums_.resize(pool.num_threads());
  return {ReadRate(pool, loops.read), PeakRate(pool, loops.f32), PeakRate(pool, loops.bf16)};
}

double CeilingProbe::ReadRate(ThreadPool& pool, ReadLoop read) {
  times_.clear();
  for (int64_t at = 0; at + kPieceBytes <= memory_.num_bytes(); at += kPieceBytes) {
    const char* piece = memory_.as<char>() + at;
    const double start = NowSeconds();
    pool.ForRanges(kPieceBytes, 4096, [&](int64_t begin, int64_t end, int32_t worker) {
      sums_[worker] += read(piece + begin, end - begin);
    });
    times_.push_back(NowSeconds() - start);
  }
  return kPieceBytes / Median(times_) * 1e-9;
}

double CeilingProbe::PeakRate(ThreadPool& pool, const PeakLoop& loop) {
  if (loop.run == nullptr) return 0;
  times_.clear();
  for (int i = 0; i < kPieces; ++i) {
    const double start = NowSeconds();
    pool.Run([&](int32_t worker) { sums_[worker] += loop.run(kSteps); });
    times_.push_back(NowSeconds() - start);
  }
  return loop.flop_per_step * kSteps * pool.num_threads() / Median(times_) * 1e-9;
}

bool SameState(const Ceilings& a, const Ceilings& b) {
  return Near(a.read_gb_s, b.read_gb_s) && Near(a.dot_gf_s(), b.dot_gf_s());
}

std::string ToString(const Ceilings& c) {
  return fmt::format("read {:.1f} GB/s, f32 {:.0f} GF/s, bf16 {:.0f} GF/s", c.read_gb_s, c.f32_gf_s,
                     c.bf16_gf_s);
}

}  // namespace weir
