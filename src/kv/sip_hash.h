// SPDX-License-Identifier: Apache-2.0
//
// SipHash-2-4 with 128 bits of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
// 2012): a keyed hash whose values nobody who lacks the key can foresee or make collide.
#ifndef WEIR_KV_SIP_HASH_H_
#define WEIR_KV_SIP_HASH_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace weir {

struct Hash128 {
  uint64_t low;
  uint64_t high;
  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
};

struct SipKey {
  uint64_t k0;
  uint64_t k1;
};

Hash128 SipHash128(const SipKey& key, std::span<const std::byte> bytes);

}  // namespace weir

#endif  // WEIR_KV_SIP_HASH_H_
