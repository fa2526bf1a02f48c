// SPDX-License-Identifier: Apache-2.0
#include "kernels/rms_norm.h"

#include "base/thread_pool.h"
#include "kernels/kernel_test_util.h"

namespace weir {
namespace {

class RmsNorm : public KernelTest {
 protected:
  std::vector<Bf16> Run(RmsNormArgs args, ThreadPool* pool = nullptr) const {
    std::vector<Bf16> out(int64_t{args.rows} * args.dim + 1, kPoison);
    args.out = out.data();
    table().rms_norm(args, {.pool = pool});
    EXPECT_EQ(out.back().bits, kPoison.bits) << "wrote beyond the end";
    out.pop_back();
    return out;
  }
};
WEIR_FOR_ALL_TABLES(RmsNorm);

// The result is rounded once to bf16. The f32 work before it errs by some 2^-22, so next to all
// results are the bf16 nearest to the true value and the others are one of the two next to it.
TEST_P(RmsNorm, IsTheRootMeanSquareNorm) {
  int64_t elements = 0;
  int64_t not_nearest = 0;
  for (const int32_t dim : {1, 2, 7, 8, 15, 16, 17, 63, 64, 65, 127, 896, 1024, 4099}) {
    const int32_t rows = 5;
    const std::vector<float> x = RandomFloats(rows * dim, dim, 3.0f);
    const std::vector<float> weight = RandomFloats(dim, dim + 1);
    const std::vector<Bf16> out = Run({.x = x.data(),
                                       .x_stride = dim,
                                       .row_index = nullptr,
                                       .rows = rows,
                                       .dim = dim,
                                       .weight = weight.data(),
                                       .eps = 1e-6f});
    for (int32_t r = 0; r < rows; ++r) {
      double sum = 0;
      for (int32_t i = 0; i < dim; ++i) sum += double{x[r * dim + i]} * x[r * dim + i];
      const double scale = 1 / std::sqrt(sum / dim + double{1e-6f});
      for (int32_t i = 0; i < dim; ++i) {
        const double want = x[r * dim + i] * scale * weight[i];
        const Bf16 got = out[r * dim + i];
        ASSERT_NEAR(ToFloat(got), want, std::abs(want) / 256) << "dim " << dim << " i " << i;
        not_nearest += got.bits != ToBf16(static_cast<float>(want)).bits;
        ++elements;
      }
    }
  }
  EXPECT_LE(not_nearest, elements / 1000);
}

TEST_P(RmsNorm, ZeroRowsStayZero) {
  const std::vector<float> x(40, 0.0f);
  const std::vector<float> weight(40, 2.0f);
  for (const Bf16 value : Run({.x = x.data(),
                          .x_stride = 40,
                          .row_index = nullptr,
                          .rows = 1,
                          .dim = 40,
                          .weight = weight.data(),
                          .eps = 1e-6f})) {
    EXPECT_EQ(ToFloat(value), 0.0f);
  }
}

// What a last step of prefill does: only some rows are wanted. What lies between rows is not read.
TEST_P(RmsNorm, PicksRowsFromAStridedArray) {
  const int32_t dim = 21;
  const int64_t stride = 30;
  std::vector<float> x(8 * stride, kNaN);
  for (int64_t r = 0; r < 8; ++r) {
    for (int32_t i = 0; i < dim; ++i) x[r * stride + i] = static_cast<float>(r + i);
  }
  const std::vector<float> weight(dim, 1.0f);
  RmsNormArgs args{.x = x.data(),
                   .x_stride = stride,
                   .row_index = nullptr,
                   .rows = 8,
                   .dim = dim,
                   .weight = weight.data(),
                   .eps = 0.0f};
  const std::vector<Bf16> all = Run(args);
  const int32_t index[] = {7, 0, 3, 3};
  args.row_index = index;
  args.rows = 4;
  const std::vector<Bf16> picked = Run(args);
  for (int32_t i = 0; i < 4; ++i) {
    EXPECT_TRUE(SameBits(picked.data() + i * dim, all.data() + index[i] * dim, dim));
  }
  for (const Bf16 value : all) EXPECT_TRUE(std::isfinite(ToFloat(value)));
}

TEST_P(RmsNorm, ARowsBitsAreItsOwnWithAnyNumberOfThreads) {
  const int32_t dim = 1000;
  const int32_t rows = 67;
  const std::vector<float> x = RandomFloats(int64_t{rows} * dim, 1);
  const std::vector<float> weight = RandomFloats(dim, 2);
  RmsNormArgs args{.x = x.data(),
                   .x_stride = dim,
                   .row_index = nullptr,
                   .rows = rows,
                   .dim = dim,
                   .weight = weight.data(),
                   .eps = 1e-5f};
  const std::vector<Bf16> want = Run(args);
  for (const int32_t threads : {1, 2, 3, 5}) {
    ThreadPool pool({.num_threads = threads, .pin = false});
    EXPECT_TRUE(SameBits(Run(args, &pool), want));
  }
  args.rows = 1;
  for (int32_t r = 0; r < rows; ++r) {
    args.x = x.data() + int64_t{r} * dim;
    ASSERT_TRUE(SameBits(Run(args).data(), want.data() + int64_t{r} * dim, dim)) << r;
  }
}

TEST_P(RmsNorm, NoRows) {
  EXPECT_TRUE(Run({.x = nullptr,
                   .x_stride = 4,
                   .row_index = nullptr,
                   .rows = 0,
                   .dim = 4,
                   .weight = nullptr,
                   .eps = 0.0f})
                  .empty());
}

}  // namespace
}  // namespace weir
