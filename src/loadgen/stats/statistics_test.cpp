// SPDX-License-Identifier: Apache-2.0
#include "loadgen/stats/statistics.h"

#include <gtest/gtest.h>

#include "loadgen/recorded_data.h"

namespace weir::loadgen {
namespace {

// No tolerance: the same additions in the same order give the same bits.
TEST(Distribution, EqualsNumPyToTheLastBit) {
  const Json data = RecordedData("numpy_statistics.json");
  ASSERT_GE(data["cases"].size(), 20u);
  for (const Json& recorded : data["cases"]) {
    const Distribution samples(HexDoubles(recorded["values"]));
    SCOPED_TRACE(samples.size());
    EXPECT_EQ(samples.mean(), HexDouble(recorded["mean"]));
    EXPECT_EQ(samples.std(), HexDouble(recorded["std"]));
    EXPECT_EQ(samples.median(), HexDouble(recorded["median"]));
    for (const Json& percentile : recorded["percentiles"]) {
      const double percent = percentile[0].get<double>();
      EXPECT_EQ(samples.Percentile(percent), HexDouble(percentile[1])) << percent;
    }
  }
}

TEST(Distribution, OfNothingIsZero) {
  const Distribution none;
  EXPECT_EQ(none.mean(), 0);
  EXPECT_EQ(none.std(), 0);
  EXPECT_EQ(none.median(), 0);
  EXPECT_EQ(none.Percentile(99), 0);
  EXPECT_EQ(none.min(), 0);
  EXPECT_EQ(none.max(), 0);
}

TEST(Distribution, InterpolatesBetweenNeighbours) {
  const Distribution samples({40, 10, 30, 20});
  EXPECT_DOUBLE_EQ(samples.Percentile(50), 25);
  EXPECT_DOUBLE_EQ(samples.Percentile(0), 10);
  EXPECT_DOUBLE_EQ(samples.Percentile(100), 40);
  EXPECT_DOUBLE_EQ(samples.Percentile(90), 37);
  EXPECT_EQ(samples.min(), 10);
  EXPECT_EQ(samples.max(), 40);
}

}  // namespace
}  // namespace weir::loadgen
