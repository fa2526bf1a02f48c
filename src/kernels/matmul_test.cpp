// SPDX-License-Identifier: Apache-2.0
//
// One test body for every kernel table that this machine can run.
#include "kernels/matmul.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/count_allocations.h"
#include "kernels/kernel_table.h"

namespace weir {
namespace {

constexpr uint32_t kPoison = 0x7FC12345;  // a NaN that no sum produces

struct Case {
  int32_t m;
  int32_t n;
  int32_t k;
  int32_t x_gap = 0;    // x_stride - k
  int32_t out_gap = 0;  // out_stride - n
  bool bias = false;
  bool accumulate = false;
};

std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << "m" << c.m << " n" << c.n << " k" << c.k << " gaps " << c.x_gap << "," << c.out_gap
             << (c.bias ? " bias" : "") << (c.accumulate ? " accumulate" : "");
}

struct AlignedFree {
  void operator()(Bf16* p) const { std::free(p); }
};

// Owns the arrays of one product. Rows of x end exactly at k and of out at n: the gaps between rows
// are poisoned and nothing is allocated behind the last row, so that a sanitizer sees an overrun.
struct Problem {
  Case c;
  std::vector<Bf16> x;
  std::vector<Bf16> w;  // [n, k]
  std::unique_ptr<Bf16, AlignedFree> packed;
  std::vector<float> bias;
  std::vector<float> before;  // [m, n], what out holds when accumulating

  template <class Draw>
  Problem(const Case& shape, Draw draw) : c(shape) {
    const int64_t stride = c.k + c.x_gap;
    x.assign(c.m == 0 ? 0 : (c.m - 1) * stride + c.k, Bf16{0x7FC0});
    for (int64_t r = 0; r < c.m; ++r) {
      for (int64_t i = 0; i < c.k; ++i) x[r * stride + i] = ToBf16(draw());
    }
    w.resize(int64_t{c.n} * c.k);
    for (Bf16& value : w) value = ToBf16(draw());
    const int64_t bytes = PackedBytes(c.n, c.k);
    packed.reset(static_cast<Bf16*>(std::aligned_alloc(64, bytes > 0 ? bytes : 64)));
    std::memset(static_cast<void*>(packed.get()), 0, bytes);
    PackRows({w.data(), DType::kBF16, c.k, 0, c.n, 0, packed.get()});
    bias.resize(c.bias ? c.n : 0);
    for (float& value : bias) value = draw();
    before.resize(int64_t{c.m} * c.n);
    for (float& value : before) value = draw();
  }

  // The product of rows [begin, begin + m), [m, n] without gaps. Fails when anything around the
  // output changed.
  std::vector<float> Run(const KernelTable& table, ThreadPool* pool, int32_t begin,
                         int32_t m) const {
    const int64_t stride = c.n + c.out_gap;
    const float poison = std::bit_cast<float>(kPoison);
    std::vector<float> out(m == 0 ? 0 : (m - 1) * stride + c.n, poison);
    if (c.accumulate) {
      for (int64_t r = 0; r < m; ++r) {
        for (int64_t j = 0; j < c.n; ++j) out[r * stride + j] = before[(begin + r) * c.n + j];
      }
    }
    const int64_t x_stride = c.k + c.x_gap;
    Stream stream;
    stream.pool = pool;
    table.matmul({x.data() + begin * x_stride,
                  x_stride,
                  m,
                  {packed.get(), c.n, c.k},
                  c.bias ? bias.data() : nullptr,
                  out.data(),
                  stride,
                  c.accumulate},
                 stream);
    std::vector<float> dense(int64_t{m} * c.n);
    for (int64_t r = 0; r < m; ++r) {
      for (int64_t j = 0; j < c.n; ++j) dense[r * c.n + j] = out[r * stride + j];
      for (int64_t j = c.n; j < stride && r + 1 < m; ++j) {
        EXPECT_EQ(std::bit_cast<uint32_t>(out[r * stride + j]), kPoison) << "gap of row " << r;
      }
    }
    return dense;
  }
  std::vector<float> Run(const KernelTable& table, ThreadPool* pool) const {
    return Run(table, pool, 0, c.m);
  }
};

class Matmul : public testing::TestWithParam<const KernelTable*> {
 protected:
  void SetUp() override {
    if (!GetParam()->runs_on(DetectCpuFeatures())) GTEST_SKIP() << "needs " << GetParam()->needs;
    table_ = CompleteTable(*GetParam(), "test").table;
  }
  bool is_reference() const { return GetParam() == &kReferenceKernels; }
  const KernelTable& table() const { return table_; }

 private:
  KernelTable table_;
};

INSTANTIATE_TEST_SUITE_P(Tables, Matmul, testing::ValuesIn(AllKernelTables()),
                         [](const auto& info) {
                           std::string name = info.param->name;
                           for (char& ch : name) ch = std::isalnum(ch) != 0 ? ch : '_';
                           return name;
                         });

const Case kCases[] = {
    {.m = 1, .n = 1, .k = 1},                               // the smallest there is
    {.m = 1, .n = 16, .k = 2},                              // one panel, one pair
    {.m = 2, .n = 15, .k = 3, .x_gap = 1, .out_gap = 1},    // less than a panel, odd k
    {.m = 3, .n = 8, .k = 31, .out_gap = 9, .bias = true},  // half a panel
    {.m = 4, .n = 9, .k = 33, .accumulate = true},
    {.m = 5, .n = 17, .k = 64, .x_gap = 5, .bias = true, .accumulate = true},
    {.m = 1, .n = 130, .k = 2049, .bias = true},  // chunks of k that do not divide evenly
    {.m = 6, .n = 47, .k = 1023, .x_gap = 2, .out_gap = 1},
    {.m = 7, .n = 33, .k = 1025, .accumulate = true},
    {.m = 12, .n = 100, .k = 256, .out_gap = 12},
    {.m = 13, .n = 100, .k = 255, .x_gap = 1},  // one row more than a block
    {.m = 25, .n = 31, .k = 127, .bias = true, .accumulate = true},
    {.m = 50, .n = 70, .k = 96, .out_gap = 3},
    {.m = 51, .n = 64, .k = 65},
    {.m = 96, .n = 300, .k = 66, .accumulate = true},
    {.m = 97, .n = 257, .k = 1100, .x_gap = 7, .out_gap = 15, .bias = true},
    {.m = 200, .n = 48, .k = 40, .bias = true},
    {.m = 1, .n = 3001, .k = 20},  // more panels than a tile holds
    {.m = 11, .n = 2500, .k = 9, .accumulate = true},
};

// Small integers: every product and partial sum is exact in f32, so each table must give the very
// integer. Any misplaced, missing or doubled element shows.
TEST_P(Matmul, IsExactOnIntegers) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c);
    std::mt19937 random(c.m + c.n + c.k);
    const Problem problem(c,
                          [&] { return static_cast<float>(static_cast<int>(random() % 17) - 8); });
    std::vector<float> expected(int64_t{c.m} * c.n);
    for (int64_t r = 0; r < c.m; ++r) {
      for (int64_t j = 0; j < c.n; ++j) {
        double sum = c.accumulate ? problem.before[r * c.n + j] : 0;
        if (c.bias) sum += problem.bias[j];
        for (int64_t i = 0; i < c.k; ++i) {
          sum += double{ToFloat(problem.x[r * (c.k + c.x_gap) + i])} *
                 double{ToFloat(problem.w[j * c.k + i])};
        }
        expected[r * c.n + j] = static_cast<float>(sum);
      }
    }
    EXPECT_EQ(problem.Run(table(), nullptr), expected);
    for (const int threads : {1, 2, 3}) {
      ThreadPool pool({.num_threads = threads, .pin = false});
      EXPECT_EQ(problem.Run(table(), &pool), expected) << threads << " threads";
    }
  }
}

// Against float64. A chain of k additions in f32 has a relative error of at most about k half steps
// (2^-24 each) of the sum of magnitudes; a table may round a pair of products once more, hence the
// factor 2. Two more roundings for bias and accumulation.
TEST_P(Matmul, StaysWithinTheErrorOfItsSums) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c);
    std::mt19937 random(c.m + c.n + c.k);
    std::normal_distribution<float> normal;
    const Problem problem(c, [&] { return normal(random); });
    const std::vector<float> got = problem.Run(table(), nullptr);
    const std::vector<float> reference = problem.Run(kReferenceKernels, nullptr);
    for (int64_t r = 0; r < c.m; ++r) {
      for (int64_t j = 0; j < c.n; ++j) {
        double sum = c.accumulate ? problem.before[r * c.n + j] : 0;
        double magnitude = std::abs(sum);
        if (c.bias) sum += problem.bias[j];
        if (c.bias) magnitude += std::abs(problem.bias[j]);
        for (int64_t i = 0; i < c.k; ++i) {
          const double term = double{ToFloat(problem.x[r * (c.k + c.x_gap) + i])} *
                              double{ToFloat(problem.w[j * c.k + i])};
          sum += term;
          magnitude += std::abs(term);
        }
        const double bound = 2.0 * (c.k + 2) * 0x1p-24 * magnitude;
        const int64_t at = r * c.n + j;
        ASSERT_NEAR(got[at], sum, bound) << "row " << r << " output " << j;
        ASSERT_NEAR(got[at], reference[at], 2 * bound) << "row " << r << " output " << j;
      }
    }
  }
}

// The same row must give the same bits alone and in every batch, at every place, for any number of
// threads: chunked prefill and batched decoding must not change what a sequence generates.
void ExpectInvariant(const KernelTable& table, const Case& c, const std::vector<int32_t>& sizes) {
  SCOPED_TRACE(c);
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  const Problem problem(c, [&] { return normal(random); });
  std::vector<float> alone;
  for (int32_t r = 0; r < c.m; ++r) {
    const std::vector<float> row = problem.Run(table, nullptr, r, 1);
    alone.insert(alone.end(), row.begin(), row.end());
  }
  for (const int threads : {0, 1, 2, 3, 4}) {
    std::optional<ThreadPool> pool;
    if (threads > 0) pool.emplace(ThreadPoolOptions{.num_threads = threads, .pin = false});
    for (const int32_t m : sizes) {
      const auto begin = static_cast<int32_t>(random() % (c.m - m + 1));
      const std::vector<float> batch =
          problem.Run(table, pool.has_value() ? &*pool : nullptr, begin, m);
      ASSERT_EQ(std::memcmp(batch.data(), alone.data() + int64_t{begin} * c.n,
                            batch.size() * sizeof(float)),
                0)
          << "rows " << begin << " to " << begin + m << ", " << threads << " threads";
    }
  }
}

TEST_P(Matmul, RowsDoNotDependOnTheirBatch) {
  std::vector<int32_t> sizes = {47, 48, 49, 50, 51, 52, 64, 65, 95, 96, 97, 98, 128, 193, 511, 512};
  for (int32_t m = 1; m <= 40; ++m) sizes.push_back(m);
  // Several tiles of rows and of panels, one chunk of k.
  ExpectInvariant(table(), {.m = 512, .n = 340, .k = 34, .bias = true}, sizes);
}

TEST_P(Matmul, RowsDoNotDependOnTheirBatchAcrossChunks) {
  // The reference is slow and has no chunks: fewer sizes do.
  std::vector<int32_t> sizes = {1, 5, 12, 13, 17, 33, 60, 100};
  if (is_reference()) sizes = {1, 3, 100};
  ExpectInvariant(table(), {.m = 100, .n = 83, .k = 3075, .accumulate = true}, sizes);
}

TEST_P(Matmul, OfZeroRowsTouchesNothing) {
  const Problem problem({.m = 1, .n = 20, .k = 10}, [] { return 1.0f; });
  float out[20];
  for (float& value : out) value = std::bit_cast<float>(kPoison);
  table().matmul({problem.x.data(), 10, 0, {problem.packed.get(), 20, 10}, nullptr, out, 20, false},
                 Stream());
  for (const float value : out) EXPECT_EQ(std::bit_cast<uint32_t>(value), kPoison);
}

// An x of infinities or NaN spoils its own row only, and a NaN weight its own output only.
TEST_P(Matmul, KeepsNaNInItsRowAndOutput) {
  for (const int32_t m : {3, 30}) {
    Problem problem({.m = m, .n = 40, .k = 50}, [] { return 1.0f; });
    problem.x[1 * 50 + 49] = ToBf16(std::numeric_limits<float>::infinity());
    problem.packed.get()[PackedIndex(21, 7, 50)] = ToBf16(std::numeric_limits<float>::quiet_NaN());
    const std::vector<float> out = problem.Run(table(), nullptr);
    for (int32_t r = 0; r < m; ++r) {
      for (int32_t j = 0; j < 40; ++j) {
        const float value = out[r * 40 + j];
        if (j == 21) {
          EXPECT_TRUE(std::isnan(value)) << r;
        } else {
          EXPECT_EQ(value, r == 1 ? std::numeric_limits<float>::infinity() : 50.0f)
              << r << " " << j;
        }
      }
    }
  }
}

TEST_P(Matmul, AllocatesNothing) {
  ThreadPool pool({.num_threads = 2, .pin = false});
  Stream stream;
  stream.pool = &pool;
  for (const int32_t m : {1, 12, is_reference() ? 20 : 200}) {
    const Problem problem({.m = m, .n = 200, .k = 1500, .bias = true}, [] { return 0.5f; });
    std::vector<float> out(m * 200);
    const MatmulArgs args = {
        problem.x.data(),    1500,       m,   {problem.packed.get(), 200, 1500},
        problem.bias.data(), out.data(), 200, false};
    table().matmul(args, stream);
    const int64_t before = NumAllocations();
    for (int i = 0; i < 3; ++i) table().matmul(args, stream);
    EXPECT_EQ(NumAllocations() - before, 0) << "m " << m;
  }
}

TEST(MatmulTables, TheFastTablesHaveTheirOwn) {
#if defined(__x86_64__)
  EXPECT_NE(kAvx2Kernels.matmul, nullptr);
  EXPECT_NE(kAvx512Kernels.matmul, nullptr);
#endif
}

}  // namespace
}  // namespace weir
