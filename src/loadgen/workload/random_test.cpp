// SPDX-License-Identifier: Apache-2.0
//
// Draws against recordings of NumPy and of Python's random.
#include <cmath>
#include <gtest/gtest.h>
#include <numeric>

#include "loadgen/recorded_data.h"
#include "loadgen/workload/mersenne_twister.h"
#include "loadgen/workload/pcg64.h"

namespace weir::loadgen {
namespace {

TEST(Pcg64, IntegersAreNumPys) {
  const Json data = RecordedData("numpy_random.json");
  for (const Json& recorded : data["default_rng_integers"]) {
    const auto seed = recorded["seed"].get<uint64_t>();
    SCOPED_TRACE(seed);
    Pcg64 random(seed);
    const auto check = [&](const char* name, int64_t low, int64_t high) {
      for (const Json& value : recorded[name]) {
        EXPECT_EQ(random.Integer(low, high), value.get<int64_t>()) << name;
      }
    };
    check("a", 921, 1128);
    check("b", 5, 6);  // one value takes no draw
    check("c", 0, 151643);
    check("e", 0, (int64_t{1} << 31) + 5);  // half of all draws are refused
  }
}

TEST(MersenneTwister, LegacyNumPyDraws) {
  const Json data = RecordedData("numpy_random.json");
  for (const Json& recorded : data["legacy"]) {
    const auto seed = recorded["seed"].get<uint32_t>();
    SCOPED_TRACE(seed);
    MersenneTwister random = MersenneTwister::NumpySeed(seed);
    for (const Json& value : recorded["randint"]) {
      EXPECT_EQ(NumpyBelow(random, 151643), value.get<uint32_t>());
    }
    random = MersenneTwister::NumpySeed(seed);
    EXPECT_EQ(NumpyPermutation(random, 13), recorded["permutation"].get<std::vector<uint32_t>>());
  }
}

TEST(NumpyGamma, DrawsAreNumPys) {
  const Json data = RecordedData("numpy_random.json");
  for (const Json& recorded : data["legacy"]) {
    for (const auto& [shape, values] : recorded["gamma"].items()) {
      SCOPED_TRACE(shape);
      MersenneTwister random = MersenneTwister::NumpySeed(recorded["seed"].get<uint32_t>());
      NumpyGamma gamma(random);
      for (const double value : HexDoubles(values)) {
        // Logarithms and powers of another C library may differ in the last bit.
        EXPECT_DOUBLE_EQ(gamma.Draw(std::stod(shape), 0.25), value);
      }
    }
  }
}

TEST(MersenneTwister, PythonsRandom) {
  const Json data = RecordedData("numpy_random.json");
  for (const Json& recorded : data["python"]) {
    const auto seed = recorded["seed"].get<uint64_t>();
    SCOPED_TRACE(seed);
    MersenneTwister random = MersenneTwister::PythonSeed(seed);
    std::vector<int> items(20);
    std::iota(items.begin(), items.end(), 0);
    PythonShuffle(random, items);
    EXPECT_EQ(items, recorded["shuffle"].get<std::vector<int>>());
    random = MersenneTwister::PythonSeed(seed);
    for (const Json& value : recorded["choice"]) {
      EXPECT_EQ(PythonBelow(random, 1000), value.get<uint32_t>());
    }
    random = MersenneTwister::PythonSeed(seed);
    for (const double value : HexDoubles(recorded["uniform"])) EXPECT_EQ(random.Uniform(), value);
  }
}

}  // namespace
}  // namespace weir::loadgen
