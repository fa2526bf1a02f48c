// SPDX-License-Identifier: Apache-2.0
#include "kernels/embed.h"

#include "base/thread_pool.h"
#include "kernels/kernel_test_util.h"

namespace weir {
namespace {

class Embed : public KernelTest {
 protected:
  std::vector<float> Run(const std::vector<Bf16>& packed, int32_t vocab, int32_t dim,
                         const std::vector<int32_t>& tokens, ThreadPool* pool = nullptr) const {
    std::vector<float> out(tokens.size() * dim + 1, kNaN);
    out.back() = 123.0f;  // a guard
    table().embed({.tokens = tokens.data(),
                   .rows = static_cast<int32_t>(tokens.size()),
                   .table = {packed.data(), vocab, dim},
                   .out = out.data()},
                  {.pool = pool});
    EXPECT_EQ(out.back(), 123.0f);
    out.pop_back();
    return out;
  }
};
WEIR_FOR_ALL_TABLES(Embed);

TEST_P(Embed, GivesTheTokensRowExactly) {
  for (const int32_t dim : {1, 2, 3, 15, 16, 17, 31, 32, 33, 64, 80, 127, 1024}) {
    const int32_t vocab = 37;
    std::vector<Bf16> source = RandomBf16(vocab * dim, dim);
    std::vector<Bf16> packed(PackedBytes(vocab, dim) / 2);
    PackRows({.source = source.data(),
              .dtype = DType::kBF16,
              .k = dim,
              .row_begin = 0,
              .row_end = vocab,
              .first_row = 0,
              .packed = packed.data()});
    const std::vector<int32_t> tokens = {0, 36, 15, 16, 17, 36, 1};
    const std::vector<float> out = Run(packed, vocab, dim, tokens);
    for (size_t r = 0; r < tokens.size(); ++r) {
      for (int32_t i = 0; i < dim; ++i) {
        ASSERT_EQ(out[r * dim + i], ToFloat(source[tokens[r] * dim + i]))
            << "dim " << dim << " row " << r << " i " << i;
      }
    }
  }
}

TEST_P(Embed, AnyNumberOfThreads) {
  const int32_t vocab = 50;
  const int32_t dim = 1030;
  const std::vector<Bf16> packed = RandomBf16(PackedBytes(vocab, dim) / 2, 1);
  std::vector<int32_t> tokens(101);
  for (int32_t i = 0; i < 101; ++i) tokens[i] = i * 7 % vocab;
  const std::vector<float> want = Run(packed, vocab, dim, tokens);
  for (const int32_t threads : {1, 2, 3}) {
    ThreadPool pool({.num_threads = threads, .pin = false});
    EXPECT_TRUE(SameBits(Run(packed, vocab, dim, tokens, &pool), want));
  }
}

TEST_P(Embed, NoRows) { EXPECT_TRUE(Run(RandomBf16(64, 1), 16, 4, {}).empty()); }

}  // namespace
}  // namespace weir
