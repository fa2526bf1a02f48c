// SPDX-License-Identifier: Apache-2.0
#include "engine/record_ring.h"

#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <thread>

namespace weir {
namespace {

using ::testing::ElementsAre;

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

template <class T>
std::vector<T> ReadAll(const RecordRing<T>& ring, int64_t first = 0, int64_t last = kEnd) {
  std::vector<T> out;
  ring.Read(first, last, out);
  return out;
}

TEST(RecordRing, HoldsTheLastRecords) {
  RecordRing<int32_t> ring(3);
  EXPECT_TRUE(ReadAll(ring).empty());
  for (int32_t i = 10; i < 15; ++i) ring.Append(i);
  EXPECT_THAT(ReadAll(ring), ElementsAre(12, 13, 14));
  EXPECT_EQ(ring.begin(), 2);
  EXPECT_EQ(ring.end(), 5);
}

TEST(RecordRing, ReadsARangeOfWhatIsHeld) {
  RecordRing<int32_t> ring(4);
  for (int32_t i = 0; i < 6; ++i) ring.Append(i);
  EXPECT_THAT(ReadAll(ring, 3, 5), ElementsAre(3, 4));
  EXPECT_THAT(ReadAll(ring, -100, 3), ElementsAre(2));
  EXPECT_TRUE(ReadAll(ring, 6).empty());
  EXPECT_TRUE(ReadAll(ring, 5, 3).empty());
}

TEST(RecordRing, ReadsOneRecordIfItIsHeld) {
  RecordRing<int32_t> ring(2);
  for (int32_t i = 0; i < 3; ++i) ring.Append(i);
  int32_t record = -1;
  EXPECT_FALSE(ring.TryRead(-1, record));
  EXPECT_FALSE(ring.TryRead(0, record));
  EXPECT_FALSE(ring.TryRead(3, record));
  EXPECT_EQ(record, -1);
  EXPECT_TRUE(ring.TryRead(2, record));
  EXPECT_EQ(record, 2);
}

// Odd in size, so that its last word is not full.
struct Wide {
  std::array<int32_t, 37> values;
};

TEST(RecordRing, ReadersNeverSeeHalfARecord) {
  RecordRing<Wide> ring(8);
  constexpr int32_t kRecords = 200'000;
  std::thread writer([&] {
    for (int32_t i = 0; i < kRecords; ++i) {
      Wide wide;
      wide.values.fill(i);
      ring.Append(wide);
    }
  });
  int64_t seen = 0;
  while (ring.end() < kRecords) {
    int32_t last = -1;
    for (const Wide& wide : ReadAll(ring)) {
      for (const int32_t value : wide.values) ASSERT_EQ(value, wide.values[0]);
      ASSERT_GT(wide.values[0], last);  // in order, none twice
      last = wide.values[0];
      ++seen;
    }
  }
  writer.join();
  for (const Wide& wide : ReadAll(ring)) seen += wide.values[0] >= kRecords - 8;
  EXPECT_GE(seen, 8);
}

}  // namespace
}  // namespace weir
