// SPDX-License-Identifier: Apache-2.0
//
// int8 pages.
#include "base/thread_pool.h"
#include "kernels/paged_attention_testbed.h"

namespace weir {
namespace {

class AttentionInt8 : public KernelTest {
 protected:
  std::vector<AttnTestShape> Shapes() const {
    std::vector<AttnTestShape> shapes = {{1, 1, 2}, {2, 1, 18}, {3, 1, 64, 32}};
    if (GetParam() != &kReferenceKernels) {
      for (const AttnTestShape& more : {AttnTestShape{16, 8, 128},
                                        {32, 8, 128, 48},
                                        {5, 1, 80},
                                        {4, 2, 256},
                                        {16, 1, 64},
                                        {2, 1, 640},
                                        {1, 1, 4096}}) {
        shapes.push_back(more);
      }
    }
    for (AttnTestShape& shape : shapes) shape.dtype = KvDType::kInt8;
    return shapes;
  }
};
WEIR_FOR_ALL_TABLES(AttentionInt8);

// Against the oracle on the rounded keys and values: the rounding itself is no error here. Blocks
// of all sizes are met, so tiles are widened in both ways.
TEST_P(AttentionInt8, IsTheSoftmaxWeightedMeanOfWhatPagesHold) {
  std::mt19937 random(7);
  for (const AttnTestShape& shape : Shapes()) {
    const Content content(shape, 200, 5, /*k_size=*/2.0f);
    Batch batch(shape, 1);
    batch.Add(content, {1, 200});
    batch.Add(content, {33, 140});
    batch.Add(content, {1, 17});
    batch.ExpectRight(batch.Run(table()));
    batch.ExpectRight(batch.Run(table(), batch.RandomCuts({}, random)));
    if (HasFatalFailure()) return;
  }
}

// Tokens whose keys or values are all zero have a scale of zero; their weight counts all the same.
TEST_P(AttentionInt8, TokensOfZeros) {
  const AttnTestShape shape{2, 1, 64, 16, KvDType::kInt8};
  Content content(shape, 100, 5);
  std::fill_n(content.k.begin() + 10 * 64, 5 * 64, Bf16{0});
  std::fill_n(content.v.begin() + 12 * 64, 30 * 64, Bf16{0});
  Batch batch(shape, 1);
  batch.Add(content, {40, 100});
  batch.ExpectRight(batch.Run(table()));
}

// Unlike over bf16 pages, where the rounding of weights is divided out, equal values come out as
// they are only up to rounding: 2^-9 for the weights of a tile and 2^-8 for the output.
TEST_P(AttentionInt8, EqualValuesComeOutNearly) {
  const AttnTestShape shape{3, 1, 32, 16, KvDType::kInt8};
  Content content(shape, 333, 3);
  std::fill(content.v.begin(), content.v.end(), ToBf16(-1.5f));
  Batch batch(shape, 1);
  batch.Add(content, {50, 333});
  for (const Bf16 x : batch.Run(table())) ASSERT_NEAR(ToFloat(x), -1.5f, 1.5f / 170);
}

TEST_P(AttentionInt8, UnseenMemoryDoesNotMatter) {
  const AttnTestShape shape{6, 2, 96, 32, KvDType::kInt8};
  const Content content(shape, 200, 3);
  std::vector<std::vector<Bf16>> outs;
  for (const float poison : {kNaN, std::numeric_limits<float>::infinity(), 0.0f, -3e38f}) {
    Batch batch(shape, 1, ToBf16(poison));
    batch.Add(content, {40, 177});
    batch.Add(content, {1, 1});
    outs.push_back(batch.Run(table()));
    for (const Bf16 x : outs.back()) ASSERT_TRUE(std::isfinite(ToFloat(x)));
    EXPECT_TRUE(SameBits(outs.front(), outs.back())) << poison;
  }
}

TEST_P(AttentionInt8, BitsDoNotDependOnTheCutIntoItems) {
  for (const AttnTestShape& shape : Shapes()) {
    const Content content(shape, 200, 5);
    Batch batch(shape, 1);
    batch.Add(content, {90, 200});
    const std::vector<Bf16> whole = batch.Run(table());
    for (const int32_t rows : {1, 2, 3, 7, 16, 33}) {
      EXPECT_TRUE(SameBits(batch.Run(table(), batch.Direct(rows)), whole)) << shape << " " << rows;
    }
  }
}

// int8 keys and values cost little accuracy: with keys and values of unit size the mean differs by
// about 1 % of a value's size.
TEST_P(AttentionInt8, IsCloseToBf16) {
  const AttnTestShape shape{4, 2, 64};
  const Content exact(shape, 300, 5);
  const Content rounded(shape.With(KvDType::kInt8), 300, 5);
  Batch bf16(exact.shape, 1);
  Batch int8(rounded.shape, 1);
  bf16.Add(exact, {20, 300});
  int8.Add(rounded, {20, 300});
  const std::vector<Bf16> a = bf16.Run(table());
  const std::vector<Bf16> b = int8.Run(table());
  double error = 0;
  double size = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    error += std::pow(ToFloat(a[i]) - ToFloat(b[i]), 2);
    size += std::pow(ToFloat(a[i]), 2);
  }
  EXPECT_LT(std::sqrt(error / size), 0.03);
  EXPECT_GT(error, 0);
}

}  // namespace
}  // namespace weir
