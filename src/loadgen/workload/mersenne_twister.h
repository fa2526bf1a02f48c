// SPDX-License-Identifier: Apache-2.0
//
// MT19937 with the draws of Python's `random` and of NumPy's legacy `np.random`, so that a seed
// makes the workload that it makes in tools written in Python (Matsumoto and Nishimura, "Mersenne
// twister", 1998; draws as documented by CPython and NumPy).
#ifndef WEIR_LOADGEN_WORKLOAD_MERSENNE_TWISTER_H_
#define WEIR_LOADGEN_WORKLOAD_MERSENNE_TWISTER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir::loadgen {

class MersenneTwister {
 public:
  static MersenneTwister NumpySeed(uint32_t seed);   // np.random.seed(seed)
  static MersenneTwister PythonSeed(uint64_t seed);  // random.seed(seed)

  uint32_t Next();
  double Uniform();  // 53 bits in [0, 1): random.random(), np.random.random_sample()

 private:
  static constexpr size_t kWords = 624;
  explicit MersenneTwister(uint32_t seed);
  void Refill();

  std::array<uint32_t, kWords> words_;
  size_t next_ = kWords;
};

// Python's random.
uint32_t PythonBelow(MersenneTwister& random, uint32_t n);  // requires n >= 1

template <class T>
void PythonShuffle(MersenneTwister& random, std::vector<T>& items) {
  for (size_t i = items.size(); i-- > 1;) {
    std::swap(items[i], items[PythonBelow(random, static_cast<uint32_t>(i + 1))]);
  }
}

// np.random.randint(0, n) and the draws of np.random.shuffle: in [0, n).
uint32_t NumpyBelow(MersenneTwister& random, uint32_t n);
// np.random.permutation(n).
std::vector<uint32_t> NumpyPermutation(MersenneTwister& random, uint32_t n);

// np.random.gamma. Keeps what NumPy keeps between draws.
class NumpyGamma {
 public:
  explicit NumpyGamma(MersenneTwister& random) : random_(&random) {}
  double Draw(double shape, double scale);

 private:
  double Exponential();
  double Gauss();
  double Standard(double shape);
  double SmallShape(double shape);
  double LargeShape(double shape);

  MersenneTwister* random_;
  bool has_gauss_ = false;
  double gauss_ = 0;
};

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_MERSENNE_TWISTER_H_
