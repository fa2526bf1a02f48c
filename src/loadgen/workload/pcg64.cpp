// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/pcg64.h"

#include <array>
#include <bit>
#include <utility>

#include "base/check.h"

namespace weir::loadgen {
namespace {

constexpr size_t kPoolWords = 4;

// NumPy's SeedSequence of one whole number.
class SeedSequence {
 public:
  explicit SeedSequence(uint64_t seed) {
    const std::array<uint32_t, kPoolWords> entropy = {static_cast<uint32_t>(seed),
                                                      static_cast<uint32_t>(seed >> 32), 0, 0};
    uint32_t constant = 0x43b0d7e5u;
    for (size_t i = 0; i < kPoolWords; ++i) pool_[i] = Hash(entropy[i], constant);
    for (size_t from = 0; from < kPoolWords; ++from) {
      for (size_t to = 0; to < kPoolWords; ++to) {
        if (from != to) pool_[to] = Mix(pool_[to], Hash(pool_[from], constant));
      }
    }
  }

  // generate_state(4, np.uint64)
  std::array<uint64_t, 4> Words() const {
    std::array<uint32_t, 8> halves;
    uint32_t constant = 0x8b51f9ddu;
    for (size_t i = 0; i < halves.size(); ++i) {
      uint32_t value = pool_[i % kPoolWords] ^ constant;
      constant *= 0x58f38dedu;
      value *= constant;
      halves[i] = value ^ (value >> 16);
    }
    std::array<uint64_t, 4> words;
    for (size_t i = 0; i < words.size(); ++i) {
      words[i] = halves[2 * i] | uint64_t{halves[2 * i + 1]} << 32;
    }
    return words;
  }

 private:
  static uint32_t Hash(uint32_t value, uint32_t& constant) {
    value ^= constant;
    constant *= 0x931e8875u;
    value *= constant;
    return value ^ (value >> 16);
  }
  static uint32_t Mix(uint32_t x, uint32_t y) {
    const uint32_t result = 0xca01f9ddu * x - 0x4973f715u * y;
    return result ^ (result >> 16);
  }

  std::array<uint32_t, kPoolWords> pool_;
};

}  // namespace

Pcg64::Pcg64(uint64_t seed) {
  const std::array<uint64_t, 4> words = SeedSequence(seed).Words();
  const auto join = [](uint64_t high, uint64_t low) { return Uint128{high} << 64 | low; };
  increment_ = join(words[2], words[3]) << 1 | 1u;
  Step();
  state_ += join(words[0], words[1]);
  Step();
}

void Pcg64::Step() {
  constexpr Uint128 kMultiplier = Uint128{2549297995355413924u} << 64 | 4865540595714422341u;
  state_ = state_ * kMultiplier + increment_;
}

uint64_t Pcg64::Next64() {
  Step();
  const auto high = static_cast<uint64_t>(state_ >> 64);
  const auto low = static_cast<uint64_t>(state_);
  return std::rotr(high ^ low, static_cast<int>(high >> 58));
}

uint32_t Pcg64::Next32() {
  if (half_) {
    const uint32_t half = *half_;
    half_.reset();
    return half;
  }
  const uint64_t both = Next64();
  half_ = static_cast<uint32_t>(both >> 32);
  return static_cast<uint32_t>(both);
}

int64_t Pcg64::Integer(int64_t low, int64_t high) {
  WEIR_CHECK(low < high && high - low < int64_t{1} << 32);
  const auto range = static_cast<uint32_t>(high - low);
  if (range == 1) return low;
  uint64_t product = uint64_t{Next32()} * range;
  if (static_cast<uint32_t>(product) < range) {
    const uint32_t threshold = (0u - range) % range;
    while (static_cast<uint32_t>(product) < threshold) product = uint64_t{Next32()} * range;
  }
  return low + static_cast<int64_t>(product >> 32);
}

}  // namespace weir::loadgen
