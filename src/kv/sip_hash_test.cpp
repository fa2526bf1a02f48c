// SPDX-License-Identifier: Apache-2.0
#include "kv/sip_hash.h"

#include <gtest/gtest.h>
#include <vector>

namespace weir {
namespace {

// The key and the messages of the authors' test vectors: bytes 0, 1, 2, ...
constexpr SipKey kKey = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

Hash128 HashOfCounting(int length) {
  std::vector<std::byte> bytes;
  for (int i = 0; i < length; ++i) bytes.push_back(static_cast<std::byte>(i));
  return SipHash128(kKey, bytes);
}

// vectors_sip128 of the reference implementation, read as little-endian words.
TEST(SipHash128, AgreesWithTheAuthorsVectors) {
  EXPECT_EQ(HashOfCounting(0), (Hash128{0xe6a825ba047f81a3, 0x930255c71472f66d}));
  EXPECT_EQ(HashOfCounting(1), (Hash128{0x44af996bd8c187da, 0x45fc229b11597634}));
  EXPECT_EQ(HashOfCounting(2), (Hash128{0xc75da4a48d227781, 0xe4ff0af6de8ba3fc}));
  EXPECT_EQ(HashOfCounting(3), (Hash128{0x4ea967520cb6709c, 0x51ed8529b0b6335f}));
}

// A length is not told apart by zeros, nor is a key.
TEST(SipHash128, EveryBitOfKeyAndLengthMatters) {
  const std::vector<std::byte> zeros(64);
  std::vector<Hash128> seen;
  for (size_t length = 0; length <= zeros.size(); ++length) {
    seen.push_back(SipHash128(kKey, std::span(zeros).first(length)));
  }
  for (int bit = 0; bit < 64; ++bit) {
    seen.push_back(SipHash128({kKey.k0 ^ (uint64_t{1} << bit), kKey.k1}, {}));
    seen.push_back(SipHash128({kKey.k0, kKey.k1 ^ (uint64_t{1} << bit)}, {}));
  }
  for (size_t i = 0; i < seen.size(); ++i) {
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(seen[i] == seen[j]) << i << ' ' << j;
  }
}

}  // namespace
}  // namespace weir
