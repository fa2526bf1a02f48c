// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/values.h"

#include <bit>
#include <cstring>

namespace weir {
namespace {

static_assert(std::endian::native == std::endian::little,
              "values are stored as they lie in memory");

constexpr uint64_t kStep = 0x9E3779B97F4A7C15;

inline uint64_t Mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

inline uint16_t Value(uint64_t bits) {
  // Two lanes at a time: each half of `pairs` holds a sum of two, at most 17 bits wide.
  const uint64_t pairs = (bits & 0x0000FFFF0000FFFF) + ((bits >> 16) & 0x0000FFFF0000FFFF);
  const auto sum = static_cast<int32_t>((pairs & 0xFFFFFFFF) + (pairs >> 32)) - 131070;
  const float value = static_cast<float>(sum) * 0x1p-21f;
  const auto word = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((word + 0x7FFF + ((word >> 16) & 1)) >> 16);
}

}  // namespace

uint64_t SynthKey(uint64_t seed, std::string_view tensor_name) {
  uint64_t hash = 0xCBF29CE484222325;
  for (const char c : tensor_name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  return Mix(hash ^ Mix(seed + kStep));
}

void SynthValues(uint64_t key, uint64_t first, std::span<std::byte> out) {
  uint64_t counter = key + first * kStep;
  std::byte* at = out.data();
  for (size_t left = out.size() / 2; left > 0; --left) {
    counter += kStep;
    const uint16_t value = Value(Mix(counter));
    std::memcpy(at, &value, sizeof(value));
    at += sizeof(value);
  }
}

}  // namespace weir
