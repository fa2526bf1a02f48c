// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/mersenne_twister.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "base/check.h"

namespace weir::loadgen {

MersenneTwister::MersenneTwister(uint32_t seed) {
  for (size_t i = 0; i < kWords; ++i) {
    words_[i] = seed;
    seed = 1812433253u * (seed ^ (seed >> 30)) + static_cast<uint32_t>(i + 1);
  }
}

MersenneTwister MersenneTwister::NumpySeed(uint32_t seed) { return MersenneTwister(seed); }

MersenneTwister MersenneTwister::PythonSeed(uint64_t seed) {
  MersenneTwister twister(19650218u);
  std::vector<uint32_t> key = {static_cast<uint32_t>(seed)};
  if (seed >> 32 != 0) key.push_back(static_cast<uint32_t>(seed >> 32));
  auto& words = twister.words_;
  size_t i = 1;
  size_t j = 0;
  const auto wrap = [&] {
    if (++i < kWords) return;
    words[0] = words[kWords - 1];
    i = 1;
  };
  for (size_t k = 0; k < kWords; ++k) {
    const uint32_t before = words[i - 1];
    words[i] =
        (words[i] ^ ((before ^ (before >> 30)) * 1664525u)) + key[j] + static_cast<uint32_t>(j);
    wrap();
    j = (j + 1) % key.size();
  }
  for (size_t k = 1; k < kWords; ++k) {
    const uint32_t before = words[i - 1];
    words[i] = (words[i] ^ ((before ^ (before >> 30)) * 1566083941u)) - static_cast<uint32_t>(i);
    wrap();
  }
  words[0] = 0x80000000u;
  return twister;
}

void MersenneTwister::Refill() {
  constexpr size_t kShift = 397;
  for (size_t i = 0; i < kWords; ++i) {
    const uint32_t y = (words_[i] & 0x80000000u) | (words_[(i + 1) % kWords] & 0x7fffffffu);
    words_[i] = words_[(i + kShift) % kWords] ^ (y >> 1) ^ ((y & 1u) != 0 ? 0x9908b0dfu : 0u);
  }
  next_ = 0;
}

uint32_t MersenneTwister::Next() {
  if (next_ == kWords) Refill();
  uint32_t y = words_[next_++];
  y ^= y >> 11;
  y ^= (y << 7) & 0x9d2c5680u;
  y ^= (y << 15) & 0xefc60000u;
  return y ^ (y >> 18);
}

double MersenneTwister::Uniform() {
  const uint32_t high = Next() >> 5;
  const uint32_t low = Next() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

uint32_t PythonBelow(MersenneTwister& random, uint32_t n) {
  WEIR_CHECK(n >= 1);
  const int bits = std::bit_width(n);
  while (true) {
    const uint32_t value = random.Next() >> (32 - bits);
    if (value < n) return value;
  }
}

uint32_t NumpyBelow(MersenneTwister& random, uint32_t n) {
  WEIR_CHECK(n >= 1);
  if (n == 1) return 0;
  const uint32_t mask = std::bit_width(n - 1) == 32 ? ~0u : (1u << std::bit_width(n - 1)) - 1;
  while (true) {
    const uint32_t value = random.Next() & mask;
    if (value < n) return value;
  }
}

std::vector<uint32_t> NumpyPermutation(MersenneTwister& random, uint32_t n) {
  std::vector<uint32_t> items(n);
  std::iota(items.begin(), items.end(), 0u);
  for (uint32_t i = n; i-- > 1;) std::swap(items[i], items[NumpyBelow(random, i + 1)]);
  return items;
}

double NumpyGamma::Draw(double shape, double scale) { return scale * Standard(shape); }

double NumpyGamma::Exponential() { return -std::log(1.0 - random_->Uniform()); }

// Marsaglia's polar method; the second of each pair is kept.
double NumpyGamma::Gauss() {
  if (has_gauss_) {
    has_gauss_ = false;
    return std::exchange(gauss_, 0.0);
  }
  double x1;
  double x2;
  double r2;
  do {
    x1 = 2.0 * random_->Uniform() - 1.0;
    x2 = 2.0 * random_->Uniform() - 1.0;
    r2 = x1 * x1 + x2 * x2;
  } while (r2 >= 1.0 || r2 == 0.0);
  const double f = std::sqrt(-2.0 * std::log(r2) / r2);
  gauss_ = f * x1;
  has_gauss_ = true;
  return f * x2;
}

double NumpyGamma::Standard(double shape) {
  if (shape == 1.0) return Exponential();
  if (shape == 0.0) return 0.0;
  return shape < 1.0 ? SmallShape(shape) : LargeShape(shape);
}

double NumpyGamma::SmallShape(double shape) {
  while (true) {
    const double u = random_->Uniform();
    const double v = Exponential();
    if (u <= 1.0 - shape) {
      const double x = std::pow(u, 1.0 / shape);
      if (x <= v) return x;
    } else {
      const double y = -std::log((1.0 - u) / shape);
      const double x = std::pow(1.0 - shape + shape * y, 1.0 / shape);
      if (x <= v + y) return x;
    }
  }
}

// Marsaglia and Tsang, "A simple method for generating gamma variables", 2000.
double NumpyGamma::LargeShape(double shape) {
  const double b = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * b);
  while (true) {
    double x;
    double v;
    do {
      x = Gauss();
      v = 1.0 + c * x;
    } while (v <= 0.0);
    v = v * v * v;
    const double u = random_->Uniform();
    if (u < 1.0 - 0.0331 * (x * x) * (x * x)) return b * v;
    if (std::log(u) < 0.5 * x * x + b * (1.0 - v + std::log(v))) return b * v;
  }
}

}  // namespace weir::loadgen
