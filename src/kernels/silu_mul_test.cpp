// SPDX-License-Identifier: Apache-2.0
#include "kernels/silu_mul.h"

#include "base/thread_pool.h"
#include "kernels/kernel_test_util.h"

namespace weir {
namespace {

class SiluMul : public KernelTest {
 protected:
  std::vector<Bf16> Run(const std::vector<float>& gate_up, int32_t rows, int32_t dim,
                        ThreadPool* pool = nullptr) const {
    std::vector<Bf16> out(int64_t{rows} * dim + 1, kPoison);
    table().silu_mul({.gate_up = gate_up.data(), .rows = rows, .dim = dim, .out = out.data()},
                     {.pool = pool});
    EXPECT_EQ(out.back().bits, kPoison.bits) << "wrote beyond the end";
    out.pop_back();
    return out;
  }
};
WEIR_FOR_ALL_TABLES(SiluMul);

double Silu(double z) { return z / (1.0 + std::exp(-z)); }

// One rounding to bf16, 2^-9. With an error of 2^-20 before it, one result in 2^10 may end up on
// the other side of a tie; twice that is allowed.
TEST_P(SiluMul, IsGateTimesSigmoidTimesUp) {
  int64_t elements = 0;
  int64_t not_nearest = 0;
  for (const int32_t dim : {1, 2, 7, 8, 15, 16, 17, 31, 100, 3072, 5001}) {
    const int32_t rows = 7;
    const std::vector<float> gate_up = RandomFloats(int64_t{rows} * 2 * dim, dim, 6.0f);
    const std::vector<Bf16> out = Run(gate_up, rows, dim);
    for (int64_t r = 0; r < rows; ++r) {
      for (int32_t i = 0; i < dim; ++i) {
        const float* gate = gate_up.data() + r * 2 * dim + i;
        const double want = Silu(gate[0]) * gate[dim];
        const Bf16 got = out[r * dim + i];
        ASSERT_NEAR(ToFloat(got), want, std::abs(want) / 256) << "dim " << dim << " i " << i;
        not_nearest += got.bits != ToBf16(static_cast<float>(want)).bits;
        ++elements;
      }
    }
  }
  EXPECT_LE(not_nearest, elements / 512);
}

TEST_P(SiluMul, LargeGatesSaturate) {
  const std::vector<float> gates = {0.0f,    -0.0f, 20.0f,  88.0f,  89.0f,  104.0f,
                                    1e30f,   3e38f, 1e-30f, -20.0f, -80.0f, -89.0f,
                                    -105.0f, -1e4f, -1e30f, -3e38f};
  std::vector<float> gate_up = gates;
  gate_up.resize(32, 0.5f);
  const std::vector<Bf16> out = Run(gate_up, 1, 16);
  for (int i = 0; i < 16; ++i) {
    const double want = Silu(gates[i]) * 0.5;
    const double tiny = 0.5 * std::ldexp(1.0, -120);  // may be zero as well
    EXPECT_NEAR(ToFloat(out[i]), want, std::abs(want) / 256 + tiny) << gates[i];
  }
}

TEST_P(SiluMul, BitsDoNotDependOnTheNumberOfThreads) {
  const int32_t rows = 9;
  const int32_t dim = 3075;
  const std::vector<float> gate_up = RandomFloats(int64_t{rows} * 2 * dim, 4);
  const std::vector<Bf16> want = Run(gate_up, rows, dim);
  for (const int32_t threads : {1, 2, 3, 5}) {
    ThreadPool pool({.num_threads = threads, .pin = false});
    EXPECT_TRUE(SameBits(Run(gate_up, rows, dim, &pool), want)) << threads;
  }
  for (int32_t r = 0; r < rows; ++r) {
    const std::vector<float> row(gate_up.begin() + r * 2 * dim,
                                 gate_up.begin() + (r + 1) * 2 * dim);
    EXPECT_TRUE(SameBits(Run(row, 1, dim).data(), want.data() + r * dim, dim)) << r;
  }
}

TEST_P(SiluMul, NoRows) { EXPECT_TRUE(Run({}, 0, 64).empty()); }

}  // namespace
}  // namespace weir
