// SPDX-License-Identifier: Apache-2.0
//
// Paged attention of one layer for the head shapes of two Qwen3 models, as fractions of what the
// machine could do at that moment. Prefill counts the flop of the causal half only and is compared
// with the dot products in registers; decode counts every key and value once, as they are stored,
// and is compared with a streaming read. Sequences are spread over shuffled pages of a pool of at
// least 256 MB, and every call takes other pages, so that none finds its keys in a cache.
//
//   bench_attention [--json] [--table=NAME] [--cases=TEXT] [--threads=1|all] [--item-rows=N]
//                   [--kv=bf16|int8] [--splits=N] [--segment=N] [--rounds=N]
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <numeric>
#include <random>
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

enum class Lengths { kEqual, kLogNormal };

struct Case {
  const char* name;
  int32_t hq;
  int32_t hkv;
  int32_t d;
  int32_t batch;
  int32_t q_len;
  int32_t kv_len;  // the median where they differ
  Lengths lengths = Lengths::kEqual;

  bool decode() const { return q_len == 1; }
};

constexpr Case kCases[] = {
    {"0.6b.prefill", 16, 8, 128, 1, 2500, 2500},
    {"0.6b.chunk", 16, 8, 128, 1, 128, 2500},
    {"0.6b.prefix512", 16, 8, 128, 1, 512, 2512},
    {"0.6b.prefix128", 16, 8, 128, 1, 128, 8320},
    {"0.6b.decode1", 16, 8, 128, 1, 1, 2500},
    {"0.6b.decode8", 16, 8, 128, 8, 1, 2500},
    {"0.6b.decode32", 16, 8, 128, 32, 1, 2500},
    {"0.6b.lognormal", 16, 8, 128, 32, 1, 1200, Lengths::kLogNormal},
    {"8b.prefill", 32, 8, 128, 1, 2500, 2500},
    {"8b.chunk", 32, 8, 128, 1, 128, 2500},
    {"8b.prefix512", 32, 8, 128, 1, 512, 2512},
    {"8b.prefix128", 32, 8, 128, 1, 128, 8320},
    {"8b.decode1", 32, 8, 128, 1, 1, 2500},
    {"8b.decode8", 32, 8, 128, 8, 1, 2500},
    {"8b.decode32", 32, 8, 128, 32, 1, 2500},
    {"8b.lognormal", 32, 8, 128, 32, 1, 1200, Lengths::kLogNormal},
};

constexpr int32_t kPageLen = 16;
constexpr int64_t kPoolBytes = int64_t{320} << 20;  // keys and values
constexpr int32_t kPoolHeads = 8;                   // of every case
constexpr int32_t kPoolDim = 128;

struct Options {
  bool json = false;
  std::string table;
  std::string cases;  // only names that contain this
  bool one = true;
  bool all = true;
  int32_t item_rows = 64;
  KvDType kv = KvDType::kBf16;
  int32_t splits = 1;  // of every decode
  int32_t segment = 0;
  int rounds = 3;
};

struct Sample {
  double seconds;
  double rate;  // GF/s of a prefill, GB/s of a decode
  double fraction;
  Ceilings ceilings;
  bool steady;  // the machine was in one state before and after
};

struct Row {
  Case shape;
  bool all_threads;
  std::vector<Sample> samples;
};

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
    } else if (name == "--cases") {
      options.cases = value;
    } else if (name == "--threads" && (value == "1" || value == "all")) {
      options.one = value == "1";
      options.all = value == "all";
    } else if (name == "--item-rows") {
      options.item_rows = std::max(1, std::atoi(value.c_str()));
    } else if (name == "--kv" && (value == "bf16" || value == "int8")) {
      options.kv = value == "int8" ? KvDType::kInt8 : KvDType::kBf16;
    } else if (name == "--splits") {
      options.splits = std::max(1, std::atoi(value.c_str()));
    } else if (name == "--segment") {
      options.segment = std::max(0, std::atoi(value.c_str())) / 16 * 16;
    } else if (name == "--rounds") {
      options.rounds = std::max(1, std::atoi(value.c_str()));
    } else {
      return false;
    }
  }
  return true;
}

// Normal numbers of both signs between 2^-3 and 2^-2: neither zeros nor subnormals flatter a time.
void FillRandom(Bf16* to, int64_t count) {
  uint32_t state = 1;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525 + 1013904223;
    to[i] = {static_cast<uint16_t>(((state >> 16) & 0x807F) | 0x3E00)};
  }
}

Buffer Allocate(int64_t bytes) {
  auto buffer = Buffer::Allocate(bytes);
  WEIR_CHECK(buffer.has_value());
  return std::move(*buffer);
}

std::vector<int32_t> LengthsOf(const Case& c) {
  std::vector<int32_t> lengths(c.batch, c.kv_len);
  if (c.lengths == Lengths::kEqual) return lengths;
  std::mt19937 random(1);
  std::lognormal_distribution<double> length(std::log(c.kv_len), 1.0);
  for (int32_t& len : lengths) len = std::clamp(static_cast<int32_t>(length(random)), 16, 16384);
  std::sort(lengths.rbegin(), lengths.rend());
  return lengths;
}

double Flop(const Case& c) {
  double visible = 0;
  for (int32_t r = 0; r < c.q_len; ++r) visible += c.kv_len - c.q_len + r + 1;
  return 4.0 * c.batch * c.hq * c.d * visible;
}

double KvBytes(const Case& c, KvDType dtype) {
  const double token = 2.0 * c.hkv * (c.d * BytesPerElement(dtype) + (dtype == KvDType::kInt8) * 4);
  double bytes = 0;
  for (const int32_t len : LengthsOf(c)) bytes += token * len;
  return bytes;
}

// One batch after another over a pool of pages.
class Batches {
 public:
  explicit Batches(const Options& options) : options_(options) {
    const int64_t row = int64_t{kPoolHeads} * kPoolDim * BytesPerElement(options.kv);
    const int64_t tokens = kPoolBytes / (2 * row) / kPageLen * kPageLen;
    k_ = Allocate(tokens * row);
    v_ = Allocate(tokens * row);
    FillRandom(k_.as<Bf16>(), tokens * row / 2);
    FillRandom(v_.as<Bf16>(), tokens * row / 2);
    scales_ = Allocate(tokens * kPoolHeads * 4);
    std::fill_n(scales_.as<float>(), tokens * kPoolHeads, 1.0f / 1024);
    pages_.resize(tokens / kPageLen);
    std::iota(pages_.begin(), pages_.end(), 0);
    std::shuffle(pages_.begin(), pages_.end(), std::mt19937(1));
    q_ = Allocate(int64_t{2500} * 32 * 128 * 2);
    FillRandom(q_.as<Bf16>(), q_.num_bytes() / 2);
    out_ = Allocate(q_.num_bytes());
  }

  // The arguments of the next batch of this case; they hold until the next call.
  PagedAttentionArgs Next(const Case& c) {
    kv_len_ = LengthsOf(c);
    Place(c);
    items_.clear();
    merges_.clear();
    slot_rows_ = 0;
    // Long rows first, as a planner would: the last items are the short ones.
    for (int32_t end = c.q_len; end > 0; end -= options_.item_rows) {
      for (int32_t seq = 0; seq < c.batch; ++seq) {
        for (int32_t head = 0; head < c.hkv; ++head) {
          AddItems(c, {seq, head, std::max(0, end - options_.item_rows), end});
        }
      }
    }
    const int64_t slot_bytes = slot_rows_ * SlotRowFloats(c.d) * 4;
    if (slots_.num_bytes() < slot_bytes) slots_ = Allocate(slot_bytes);
    counters_.assign(merges_.size(), 0);
    return {.q = q_.as<Bf16>(),
            .out = out_.as<Bf16>(),
            .kv = {k_.data(), v_.data(), scales_.as<float>(), scales_.as<float>(), options_.kv,
                   c.hkv, c.d, kPageLen},
            .num_q_heads = c.hq,
            .scale = 0.088f,
            .row_begin = row_begin_.data(),
            .kv_len = kv_len_.data(),
            .pages = pages_.data(),
            .page_begin = page_begin_.data(),
            .work = {.items = items_.data(),
                     .num_items = static_cast<int32_t>(items_.size()),
                     .merges = merges_.data(),
                     .num_merges = static_cast<int32_t>(merges_.size()),
                     .segment_len = options_.segment},
            .slots = slots_.as<float>(),
            .counters = counters_.data()};
  }

 private:
  void Place(const Case& c) {
    row_begin_ = {0};
    page_begin_ = {0};
    for (const int32_t len : kv_len_) {
      row_begin_.push_back(row_begin_.back() + c.q_len);
      page_begin_.push_back(page_begin_.back() + (len + kPageLen - 1) / kPageLen);
    }
    const int32_t pages = page_begin_.back();
    if (first_page_ + pages > static_cast<int32_t>(pages_.size())) first_page_ = 0;
    for (int32_t& begin : page_begin_) begin += first_page_;
    first_page_ += pages;
  }

  void AddItems(const Case& c, AttnItem item) {
    const int32_t end = kv_len_[item.seq] - c.q_len + item.q_end;
    const int32_t unit = options_.segment > 0 ? options_.segment : kPageLen;
    const int32_t units = (end + unit - 1) / unit;
    const int32_t splits = c.decode() ? std::min(options_.splits, units) : 1;
    item.merge = splits > 1 ? static_cast<int32_t>(merges_.size()) : -1;
    for (int32_t i = 0; i < splits; ++i) {
      item.kv_begin = static_cast<int32_t>(int64_t{units} * i / splits) * unit;
      item.kv_end = std::min(end, static_cast<int32_t>(int64_t{units} * (i + 1) / splits) * unit);
      items_.push_back(item);
      const bool one = options_.segment == 0 || item.kv_begin == 0;
      item.part += one ? 1 : (item.kv_end - item.kv_begin + unit - 1) / unit;
    }
    if (splits == 1) return;
    merges_.push_back({item.seq, item.kv_head, item.q_begin, item.q_end,
                       static_cast<int32_t>(slot_rows_), item.part, splits});
    slot_rows_ += int64_t{item.part} * (item.q_end - item.q_begin) * (c.hq / c.hkv);
  }

  const Options options_;
  int32_t first_page_ = 0;
  int64_t slot_rows_ = 0;
  Buffer k_, v_, scales_, q_, out_, slots_;
  std::vector<int32_t> pages_, row_begin_, kv_len_, page_begin_, counters_;
  std::vector<AttnItem> items_;
  std::vector<AttnMerge> merges_;
};

class Bench {
 public:
  Bench(const Options& options, const KernelTable& table)
      : table_(table),
        kv_(options.kv),
        one_peak_(probe_.Measure(threads_.one())),
        batches_(options) {
    for (const Case& c : kCases) {
      if (std::string_view(c.name).find(options.cases) == std::string_view::npos) continue;
      if (options.one) rows_.push_back({c, false, {}});
      if (options.all) rows_.push_back({c, true, {}});
    }
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
    const double work = row.shape.decode() ? KvBytes(row.shape, kv_) : Flop(row.shape);
    const double rate = work / seconds * 1e-9;
    const int threads = PoolOf(row).num_threads();
    // Threads that share a core, or with other programs, reach a fraction of their sum.
    const bool own_cores = mean.dot_gf_s() > 0.8 * threads * one_peak_.dot_gf_s();
    return {seconds, rate, rate / (row.shape.decode() ? mean.read_gb_s : peak), mean,
            SameState(before, after) && own_cores};
  }

  double MedianSeconds(const Row& row) {
    constexpr double kEnoughSeconds = 0.03;
    Stream stream;
    stream.pool = &PoolOf(row);
    times_.clear();
    std::vector<double> undisturbed;
    double total = 0;
    while (total < kEnoughSeconds || times_.size() < 3) {
      const PagedAttentionArgs args = batches_.Next(row.shape);
      const int64_t preemptions = NumPreemptions();
      const double begin = NowSeconds();
      table_.paged_attention(args, stream);
      times_.push_back(NowSeconds() - begin);
      if (NumPreemptions() == preemptions) undisturbed.push_back(times_.back());
      total += times_.back();
    }
    std::vector<double>& times = undisturbed.size() >= 3 ? undisturbed : times_;
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }

  const KernelTable table_;
  const KvDType kv_;
  BenchThreads threads_;
  CeilingProbe probe_;
  const Ceilings one_peak_;
  Batches batches_;
  std::vector<Row> rows_;
  std::vector<double> times_;
};

// The median sample by fraction, of the steady ones where there are any.
Sample Median(const Row& row) {
  std::vector<Sample> samples;
  std::copy_if(row.samples.begin(), row.samples.end(), std::back_inserter(samples),
               [](const Sample& s) { return s.steady; });
  if (samples.empty()) samples = row.samples;
  std::sort(samples.begin(), samples.end(),
            [](const Sample& a, const Sample& b) { return a.fraction < b.fraction; });
  return samples[samples.size() / 2];
}

void PrintTable(const KernelTable& table, const std::vector<Row>& rows) {
  fmt::print(
      "{}: prefill against dot products, decode against streaming reads; * unsteady machine\n",
      table.name);
  fmt::print("{:<16}{:>8}{:>10}{:>10}{:>10}  {}\n", "case", "threads", "ms", "rate", "fraction",
             "ceilings");
  for (const Row& row : rows) {
    const Sample s = Median(row);
    fmt::print("{:<16}{:>8}{:>10.2f}{:>5.0f} {}{:>9.0f}%{} {}\n", row.shape.name,
               row.all_threads ? "all" : "1", s.seconds * 1e3, s.rate,
               row.shape.decode() ? "GB/s" : "GF/s", s.fraction * 100, s.steady ? ' ' : '*',
               ToString(s.ceilings));
  }
}

void PrintJson(const KernelTable& table, const std::vector<Row>& rows) {
  Json list = Json::array();
  for (const Row& row : rows) {
    const Sample s = Median(row);
    list.push_back({{"case", row.shape.name},
                    {"threads", row.all_threads ? "all" : "1"},
                    {"seconds", s.seconds},
                    {"unit", row.shape.decode() ? "GB/s" : "GF/s"},
                    {"rate", s.rate},
                    {"fraction", s.fraction},
                    {"steady", s.steady},
                    {"read_gb_s", s.ceilings.read_gb_s},
                    {"f32_gf_s", s.ceilings.f32_gf_s},
                    {"bf16_gf_s", s.ceilings.bf16_gf_s}});
  }
  fmt::print("{}\n", DumpJson(Json({{"table", table.name}, {"rows", list}})));
}

int Main(int argc, char** argv) {
  Options options;
  if (!Parse(argc, argv, options)) {
    fmt::print(stderr,
               "bench_attention [--json] [--table=NAME] [--cases=TEXT] [--threads=1|all] "
               "[--item-rows=N] [--kv=bf16|int8] [--splits=N] [--segment=N] [--rounds=N]\n");
    return 2;
  }
  const auto choice = ChooseKernels(options.table, DetectCpuFeatures());
  if (!choice) {
    fmt::print(stderr, "{}\n", choice.error().message);
    return 2;
  }
  Bench bench(options, choice->table);
  for (int i = 0; i < options.rounds; ++i) bench.Round();
  (options.json ? PrintJson : PrintTable)(choice->table, bench.rows());
  return 0;
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) { return weir::bench::Main(argc, argv); }
