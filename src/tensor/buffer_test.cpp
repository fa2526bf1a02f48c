// SPDX-License-Identifier: Apache-2.0
#include "tensor/buffer.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <limits>
#include <utility>

#include "tensor/arena.h"

namespace weir {
namespace {

constexpr int64_t kMiB = int64_t{1} << 20;

TEST(Buffer, IsZeroedAndAligned) {
  for (const int64_t bytes : {int64_t{1}, int64_t{4097}, 2 * kMiB - 1, 2 * kMiB, 5 * kMiB + 1}) {
    const auto buffer = Buffer::Allocate(bytes);
    ASSERT_TRUE(buffer.has_value());
    EXPECT_GE(buffer->num_bytes(), bytes);
    // Huge pages can only back what starts on one.
    const auto address = reinterpret_cast<uintptr_t>(buffer->data());
    EXPECT_EQ(address % (bytes >= 2 * kMiB ? 2 * kMiB : 4096), 0u) << bytes;
    const bool zero = std::all_of(buffer->data(), buffer->data() + buffer->num_bytes(),
                                  [](std::byte b) { return b == std::byte{0}; });
    EXPECT_TRUE(zero);
    std::fill_n(buffer->as<uint8_t>(), buffer->num_bytes(), uint8_t{0xAB});
  }
}

TEST(Buffer, NothingIsAllowed) {
  const auto buffer = Buffer::Allocate(0);
  ASSERT_TRUE(buffer.has_value());
  EXPECT_EQ(buffer->num_bytes(), 0);
  EXPECT_EQ(buffer->data(), nullptr);
}

TEST(Buffer, SizesThatCannotBeAreErrors) {
  for (const int64_t bytes : {int64_t{-1}, std::numeric_limits<int64_t>::min(),
                              std::numeric_limits<int64_t>::max(), (int64_t{1} << 46) + 1}) {
    const auto buffer = Buffer::Allocate(bytes);
    ASSERT_FALSE(buffer.has_value()) << bytes;
    EXPECT_EQ(buffer.error().code, Code::kOutOfMemory);
  }
}

TEST(Buffer, MovesTheMemory) {
  Buffer first = *Buffer::Allocate(100);
  first.as<char>()[99] = 'x';
  Buffer second = std::move(first);
  EXPECT_EQ(second.as<char>()[99], 'x');
  EXPECT_EQ(first.data(), nullptr);  // NOLINT: what a moved-from buffer holds is stated here
  Buffer third;
  third = std::move(second);
  EXPECT_EQ(third.as<char>()[99], 'x');
}

TEST(AvailableMemory, IsPositiveAndLessThanTheAddressSpace) {
  EXPECT_GT(AvailableMemoryBytes(), 0);
  EXPECT_LT(AvailableMemoryBytes(), int64_t{1} << 56);
}

TEST(Arena, HandsOutAlignedPieces) {
  Arena arena(*Buffer::Allocate(1024));
  char* a = arena.Take<char>(1);
  float* b = arena.Take<float>(17);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(b) % 64, 0u);
  EXPECT_EQ(reinterpret_cast<char*>(b) - a, 64);
  EXPECT_EQ(arena.used_bytes(), 64 + 128);
  EXPECT_NE(arena.Take<char>(0), nullptr);
  EXPECT_EQ(arena.used_bytes(), 64 + 128) << "nothing takes nothing";
}

TEST(Arena, RewindsToAMark) {
  Arena arena(*Buffer::Allocate(1024));
  arena.Take<char>(64);
  const int64_t mark = arena.used_bytes();
  char* first = arena.Take<char>(512);
  arena.Rewind(mark);
  EXPECT_EQ(arena.Take<char>(64), first);
  arena.Rewind();
  EXPECT_EQ(arena.used_bytes(), 0);
  EXPECT_EQ(arena.peak_bytes(), 64 + 512) << "the peak stays";
}

TEST(ArenaDeathTest, TakingTooMuchIsABug) {
  Arena arena(*Buffer::Allocate(1024));
  EXPECT_NE(arena.Take<char>(1024), nullptr) << "all of it may be taken";
  EXPECT_DEATH(arena.Take<char>(1), "num_bytes");
  EXPECT_DEATH(arena.Take<char>(-1), "count");
  EXPECT_DEATH(arena.Rewind(-64), "mark");
  EXPECT_DEATH(arena.Rewind(1088), "mark");
}

}  // namespace
}  // namespace weir
