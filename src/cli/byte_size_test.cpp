// SPDX-License-Identifier: Apache-2.0
#include "cli/byte_size.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

constexpr int64_t kGiB = int64_t{1} << 30;

TEST(ByteSize, ReadsWhatPeopleWrite) {
  const auto bytes = [](const char* text) { return *ParseByteSize(text, "--x", kGiB); };
  EXPECT_EQ(bytes("2"), 2 * kGiB) << "a bare number is in the flag's own unit";
  EXPECT_EQ(bytes("0.5"), kGiB / 2);
  EXPECT_EQ(bytes("1.5GiB"), kGiB * 3 / 2);
  EXPECT_EQ(bytes("512M"), kGiB / 2);
  EXPECT_EQ(bytes("512 Mi"), kGiB / 2);
  EXPECT_EQ(bytes("3k"), 3072);
  EXPECT_EQ(bytes("3KB"), 3000);
  EXPECT_EQ(bytes("2 GB"), 2'000'000'000);
  EXPECT_EQ(bytes("7B"), 7);
  EXPECT_EQ(bytes("0"), 0);
}

TEST(ByteSize, RefusesTheRest) {
  for (const char* text :
       {"", "GiB", "-1", "-1G", "1X", "1GG", "1G1", "nan", "inf", "1e30", "0x10", "1,5G", " 1"}) {
    const auto bytes = ParseByteSize(text, "--kv-cache-memory", kGiB);
    ASSERT_FALSE(bytes.has_value()) << text;
    EXPECT_EQ(bytes.error().message.substr(0, 17), "--kv-cache-memory");
  }
}

}  // namespace
}  // namespace weir
