// SPDX-License-Identifier: Apache-2.0
//
// Hashes for the tokenizer's tables. Not for values of a requester's choosing that are stored.
#ifndef WEIR_TEXT_HASH_H_
#define WEIR_TEXT_HASH_H_

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir {

// An open-addressing table is refused when a search must look at more slots than this: with an
// honest file it is a dozen or two, and a file made of collisions must not cost quadratic time.
inline constexpr size_t kMaxProbes = 512;

inline uint64_t MixBits(uint64_t x) {
  const auto product = static_cast<unsigned __int128>(x) * 0x9E3779B97F4A7C15u;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t HashBytes(std::string_view bytes) {
  uint64_t hash = bytes.size() * 0xD6E8FEB86659FD93u;
  const char* p = bytes.data();
  size_t left = bytes.size();
  uint64_t word;
  for (; left >= sizeof(word); left -= sizeof(word), p += sizeof(word)) {
    std::memcpy(&word, p, sizeof(word));
    hash = MixBits(hash ^ word) + word;
  }
  word = 0;
  if (left >= 4) {
    uint32_t head, tail;
    std::memcpy(&head, p, 4);
    std::memcpy(&tail, p + left - 4, 4);
    word = uint64_t{head} << 32 | tail;
  } else if (left > 0) {
    const auto at = [p](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])}; };
    word = at(0) << 16 | at(left / 2) << 8 | at(left - 1);
  }
  return MixBits(MixBits(hash ^ word) ^ 0x2545F4914F6CDD1D);
}

}  // namespace weir

#endif  // WEIR_TEXT_HASH_H_
