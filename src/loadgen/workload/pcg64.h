// SPDX-License-Identifier: Apache-2.0
//
// NumPy's default generator: PCG64 (O'Neill, "PCG: a family of simple fast space-efficient
// statistically good algorithms", 2014) seeded by a SeedSequence, and `integers` (Lemire, "Fast
// random integer generation in an interval", 2019). Equal seeds give the lengths that Python tools
// draw.
#ifndef WEIR_LOADGEN_WORKLOAD_PCG64_H_
#define WEIR_LOADGEN_WORKLOAD_PCG64_H_

#include <cstdint>
#include <optional>

namespace weir::loadgen {

class Pcg64 {
 public:
  explicit Pcg64(uint64_t seed);  // np.random.default_rng(seed)

  uint64_t Next64();
  uint32_t Next32();
  // One draw of integers(low, high), high not included. Requires: low < high, high - low < 2^32.
  int64_t Integer(int64_t low, int64_t high);

 private:
  __extension__ using Uint128 = unsigned __int128;

  void Step();

  Uint128 state_ = 0;
  Uint128 increment_ = 0;
  std::optional<uint32_t> half_;  // of a 64-bit draw
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_PCG64_H_
