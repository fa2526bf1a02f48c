// SPDX-License-Identifier: Apache-2.0
//
// The matrix products of a step for the shapes of two Qwen3 models, as fractions of what the
// machine could do at that moment: the slower of reading the weights once and of the arithmetic in
// registers. Weights come from memory: the products walk over matrices that together exceed the
// caches four times.
//
//   bench_matmul [--json] [--table=NAME] [--shapes=TEXT] [--m=1,8] [--threads=1|all] [--rounds=N]
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "base/json.h"
#include "ceilings.h"
#include "kernels/kernel_table.h"

namespace weir::bench {
namespace {

struct WeightShape {
  const char* name;
  int32_t n;
  int32_t k;
  int32_t max_m;  // the head sees only the rows that are sampled
};

constexpr WeightShape kShapes[] = {
    {"0.6b.qkv", 4096, 1024, 2048},     {"0.6b.o", 1024, 2048, 2048},
    {"0.6b.gate_up", 6144, 1024, 2048}, {"0.6b.down", 1024, 3072, 2048},
    {"0.6b.head", 151936, 1024, 64},    {"8b.qkv", 6144, 4096, 2048},
    {"8b.o", 4096, 4096, 2048},         {"8b.gate_up", 24576, 4096, 2048},
    {"8b.down", 4096, 12288, 2048},     {"8b.head", 151936, 4096, 64},
};

struct Options {
  bool json = false;
  std::string table;
  std::string shapes;  // only names that contain this
  std::vector<int32_t> m = {1, 2, 4, 8, 16, 32, 64, 128, 512, 2048};
  bool one = true;
  bool all = true;
  int rounds = 3;
};

struct Sample {
  double seconds;
  double fraction;
  Ceilings ceilings;
  bool steady;  // the machine was in one state before and after
};

struct Row {
  WeightShape shape;
  int32_t m;
  bool all_threads;
  std::vector<Sample> samples;
};

std::vector<int32_t> ParseNumbers(std::string_view text) {
  std::vector<int32_t> numbers;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    numbers.push_back(std::max(1, std::atoi(std::string(text.substr(begin, end - begin)).c_str())));
    begin = end + 1;
  }
  return numbers;
}

bool Parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view arg = argv[i];
    const size_t equals = std::min(arg.find('='), arg.size());
    const std::string_view name = arg.substr(0, equals);
    const std::string value(arg.substr(std::min(equals + 1, arg.size())));
    if (name == "--json") {
      options.json = true;
    } else if (name == "--table") {
      options.table = value;
    } else if (name == "--shapes") {
      options.shapes = value;
    } else if (name == "--m") {
      options.m = ParseNumbers(value);
    } else if (name == "--threads") {
      options.one = value == "1";
      options.all = value == "all";
    } else if (name == "--rounds") {
      options.rounds = std::max(1, std::atoi(value.c_str()));
    } else {
      return false;
    }
  }
  return true;
}

// Normal numbers of both signs between 2^-7 and 2^-6: neither zeros nor subnormals flatter a time.
void FillRandom(Bf16* to, int64_t count) {
  uint32_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    to[i] = {static_cast<uint16_t>(((state >> 16) & 0x807F) | 0x3C00)};
  }
}

Buffer Allocate(int64_t bytes) {
  auto buffer = Buffer::Allocate(bytes);
  WEIR_CHECK(buffer.has_value());
  return std::move(*buffer);
}

class Bench {
 public:
  Bench(const Options& options, const KernelTable& table)
      : table_(table), one_peak_(probe_.Measure(threads_.one())) {
    int64_t weights = 4 * LastLevelCacheBytes();
    int64_t x = 0;
    int64_t out = 0;
    for (const WeightShape& shape : kShapes) {
      if (std::string_view(shape.name).find(options.shapes) == std::string_view::npos) continue;
      weights = std::max(weights, PackedBytes(shape.n, shape.k));
      for (const int32_t m : options.m) {
        if (m > shape.max_m) continue;
        x = std::max<int64_t>(x, int64_t{m} * shape.k);
        out = std::max<int64_t>(out, int64_t{m} * shape.n);
        if (options.one) rows_.push_back({shape, m, false, {}});
        if (options.all) rows_.push_back({shape, m, true, {}});
      }
    }
    weights_ = Allocate(weights);
    FillRandom(weights_.as<Bf16>(), weights / 2);
    x_ = Allocate(x * 2);
    FillRandom(x_.as<Bf16>(), x);
    out_ = Allocate(out * 4);
  }

  void Round() {
    for (Row& row : rows_) row.samples.push_back(SampleOf(row));
  }
  const std::vector<Row>& rows() const { return rows_; }

 private:
  ThreadPool& PoolOf(const Row& row) { return row.all_threads ? threads_.all() : threads_.one(); }

  // Two tries, because the state of the machine often changes in the middle of one.
  Sample SampleOf(const Row& row) {
    Sample sample = TryOnce(row);
    return sample.steady ? sample : TryOnce(row);
  }

  Sample TryOnce(const Row& row) {
    const Ceilings before = probe_.Measure(PoolOf(row));
    const double seconds = MedianSeconds(row);
    const Ceilings after = probe_.Measure(PoolOf(row));
    const Ceilings mean = {(before.read_gb_s + after.read_gb_s) / 2,
                           (before.f32_gf_s + after.f32_gf_s) / 2,
                           (before.bf16_gf_s + after.bf16_gf_s) / 2};
    // The AVX2 table has no dot instruction to be measured against.
    const double peak =
        table_.name == std::string_view("cpu/avx512") ? mean.dot_gf_s() : mean.f32_gf_s;
    const double read_s = 2e-9 * row.shape.n * row.shape.k / mean.read_gb_s;
    const double dot_s = 2e-9 * row.m * row.shape.n * row.shape.k / peak;
    const int threads = PoolOf(row).num_threads();
    // Threads that share a core, or with other programs, reach a fraction of their sum.
    const bool own_cores = mean.dot_gf_s() > 0.8 * threads * one_peak_.dot_gf_s();
    return {seconds, std::max(read_s, dot_s) / seconds, mean,
            SameState(before, after) && own_cores};
  }

  // Of the calls that no other program interrupted, if there are any.
  double MedianSeconds(const Row& row) {
    constexpr double kEnoughSeconds = 0.02;
    undisturbed_.clear();
    disturbed_.clear();
    double total = 0;
    for (int calls = 0; total < kEnoughSeconds || calls < 2; ++calls) {
      const MatmulArgs args = NextCall(row);
      Stream stream;
      stream.pool = &PoolOf(row);
      const int64_t preemptions = NumPreemptions();
      const double begin = NowSeconds();
      table_.matmul(args, stream);
      const double seconds = NowSeconds() - begin;
      (NumPreemptions() == preemptions ? undisturbed_ : disturbed_).push_back(seconds);
      total += seconds;
    }
    std::vector<double>& times = undisturbed_.empty() ? disturbed_ : undisturbed_;
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  MatmulArgs NextCall(const Row& row) {
    const WeightShape& shape = row.shape;
    const int64_t matrix = PackedBytes(shape.n, shape.k);
    const int64_t num_matrices = weights_.num_bytes() / matrix;
    const Bf16* w = weights_.as<Bf16>() + next_matrix_++ % num_matrices * (matrix / 2);
    return {x_.as<Bf16>(), shape.k,          row.m,   {w, shape.n, shape.k},
            nullptr,       out_.as<float>(), shape.n, false};
  }

  const KernelTable table_;
  BenchThreads threads_;
  CeilingProbe probe_;
  const Ceilings one_peak_;
  Buffer weights_;
  Buffer x_;
  Buffer out_;
  std::vector<Row> rows_;
  std::vector<double> undisturbed_;
  std::vector<double> disturbed_;
  int64_t next_matrix_ = 0;
};

struct Summary {
  Sample median;
  int steady;  // samples that count; with none, all do and the row is marked
};

Summary Summarize(std::vector<Sample> samples) {
  std::sort(samples.begin(), samples.end(), [](const Sample& a, const Sample& b) {
    return a.steady != b.steady ? a.steady : a.fraction < b.fraction;
  });
  const auto steady = static_cast<int>(
      std::count_if(samples.begin(), samples.end(), [](const Sample& s) { return s.steady; }));
  const size_t counted = steady > 0 ? steady : samples.size();
  return {samples[counted / 2], steady};
}

void PrintTable(const std::vector<Row>& rows) {
  fmt::print("{:<13} {:>6} {:>6} {:>5} {:>7} {:>10} {:>7} {:>7} {:>9} | {:>9} {:>9}\n", "weights",
             "n", "k", "m", "threads", "us", "GB/s", "GF/s", "of bound", "read GB/s", "dot GF/s");
  for (const Row& row : rows) {
    const Summary s = Summarize(row.samples);
    const double weights = 2e-9 * row.shape.n * row.shape.k;
    fmt::print(
        "{:<13} {:>6} {:>6} {:>5} {:>7} {:>10.1f} {:>7.1f} {:>7.1f} {:>8.0f}%{} {:>9.1f} "
        "{:>9.0f}\n",
        row.shape.name, row.shape.n, row.shape.k, row.m, row.all_threads ? "all" : "1",
        s.median.seconds * 1e6, weights / s.median.seconds, weights * row.m / s.median.seconds,
        s.median.fraction * 100, s.steady > 0 ? " |" : "*|", s.median.ceilings.read_gb_s,
        s.median.ceilings.dot_gf_s());
  }
  fmt::print("* the machine was in no steady state around any sample\n");
}

void PrintJson(const std::vector<Row>& rows, const char* table) {
  Json all = Json::array();
  for (const Row& row : rows) {
    const Summary s = Summarize(row.samples);
    all.push_back({{"table", table},
                   {"weights", row.shape.name},
                   {"n", row.shape.n},
                   {"k", row.shape.k},
                   {"m", row.m},
                   {"threads", row.all_threads ? "all" : "1"},
                   {"seconds", s.median.seconds},
                   {"fraction_of_bound", s.median.fraction},
                   {"read_gb_s", s.median.ceilings.read_gb_s},
                   {"dot_gf_s", s.median.ceilings.dot_gf_s()},
                   {"f32_gf_s", s.median.ceilings.f32_gf_s},
                   {"samples", row.samples.size()},
                   {"steady_samples", s.steady}});
  }
  fmt::print("{}\n", DumpJson(all));
}

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, options)) {
    fmt::print(stderr,
               "usage: {} [--json] [--table=NAME] [--shapes=TEXT] [--m=1,8] "
               "[--threads=1|all] [--rounds=N]\n",
               argv[0]);
    return 2;
  }
  const auto choice = ChooseKernels(options.table, DetectCpuFeatures());
  if (!choice) {
    fmt::print(stderr, "{}\n", choice.error().message);
    return 2;
  }
  Bench bench(options, choice->table);
  for (int i = 0; i < options.rounds; ++i) bench.Round();
  if (options.json) {
    PrintJson(bench.rows(), choice->table.name);
  } else {
    fmt::print("table {}, {} rounds\n", choice->table.name, options.rounds);
    PrintTable(bench.rows());
  }
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::Main(argc, argv); }
