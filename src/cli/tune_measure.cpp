// SPDX-License-Identifier: Apache-2.0
#include "cli/tune_measure.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>

#include "base/check.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "cli/attention_workload.h"
#include "cli/bench_stats.h"
#include "cli/tuned_profile.h"
#include "tensor/ceilings.h"

namespace weir {
namespace {

// Four query heads to a KV head: less bandwidth than with fewer, so no model gets less than this.
constexpr AttnShape kShape{.num_q_heads = 32, .num_kv_heads = 8, .head_dim = 128};
constexpr const char* kShapeText = "32/8 heads of size 128, bf16";
constexpr int kReadRounds = 31;
constexpr int kComputeRounds = 9;
constexpr int kItemRounds = 31;
constexpr int kTinyRounds = 401;
constexpr int kTries = 3;  // for a call that the system leaves alone
constexpr double kLeastUs = 0.01;

constexpr int32_t kReadLen = 2500;
constexpr SeqLengths kFresh{.q_len = 768, .kv_len = 768};
constexpr SeqLengths kPaged{.q_len = 256, .kv_len = 1280};
// The same keys in few items and in many.
constexpr int32_t kFewSeqs = 8;
constexpr int32_t kManySeqs = 1024;
constexpr int32_t kManyLen = 16;
constexpr int32_t kFewLen = kManySeqs / kFewSeqs * kManyLen;
constexpr int32_t kTinyLen = 64;   // keys
constexpr int32_t kMergeRows = 4;  // of two such pieces each, which stay in a cache

int32_t NumReadSeqs(int32_t num_threads) { return std::max(8, num_threads / 2); }

std::vector<SeqLengths> Decodes(int32_t count, int32_t len) {
  return std::vector<SeqLengths>(static_cast<size_t>(count), {.q_len = 1, .kv_len = len});
}

AttnPolicy Unsplit() {
  return {.name = "fixed:1", .splits = KvSplitRule::kFixed, .fixed_splits = 1};
}

// A step and its plan for a number of threads.
struct Timed {
  std::unique_ptr<AttentionStep> step;
  std::unique_ptr<AttentionCall> call;
};

class Tuner {
 public:
  Tuner(const KernelTable& table, int32_t num_threads)
      : table_(table), one_({.num_threads = 1}), all_({.num_threads = num_threads}), pin_(all_) {}

  Status Allocate() {
    WorkloadSize largest;
    largest.Cover(Decodes(NumReadSeqs(all_.num_threads()), kReadLen));
    largest.Cover(Decodes(kManySeqs, kManyLen));
    largest.Cover(std::vector<SeqLengths>{kFresh});
    WEIR_ASSIGN_OR_RETURN(AttentionData data, AttentionData::Make(kShape, largest, all_));
    data_ = std::make_unique<AttentionData>(std::move(data));
    return Ok();
  }

  // worker_gb_s, total_gb_s
  Status Read(TuneSamples& samples) {
    const std::vector<SeqLengths> seqs = Decodes(NumReadSeqs(all_.num_threads()), kReadLen);
    WEIR_ASSIGN_OR_RETURN(const Timed one, Make(seqs, 1, AttnPolicy()));
    WEIR_ASSIGN_OR_RETURN(const Timed all, Make(seqs, all_.num_threads(), AttnPolicy()));
    const double gb = KvBytes(kShape, seqs[0]) * static_cast<double>(seqs.size()) * 1e-9;
    for (int i = 0; i < kReadRounds; ++i) {
      samples["worker_gb_s"].push_back(gb / Seconds(one, one_));
      samples["total_gb_s"].push_back(gb / Seconds(all, all_));
    }
    return Ok();
  }

  // worker_gflop_s, paged_gflop_s
  Status Compute(TuneSamples& samples) {
    WEIR_ASSIGN_OR_RETURN(const Timed fresh, Make({kFresh}, 1, AttnPolicy()));
    WEIR_ASSIGN_OR_RETURN(const Timed paged, Make({kPaged}, 1, AttnPolicy()));
    for (int i = 0; i < kComputeRounds; ++i) {
      samples["worker_gflop_s"].push_back(AttentionFlops(kShape, kFresh) * 1e-9 /
                                          Seconds(fresh, one_));
      samples["paged_gflop_s"].push_back(AttentionFlops(kShape, kPaged) * 1e-9 /
                                         Seconds(paged, one_));
    }
    return Ok();
  }

  Status ItemUs(TuneSamples& samples) {
    WEIR_ASSIGN_OR_RETURN(const Timed few, Make(Decodes(kFewSeqs, kFewLen), 1, Unsplit()));
    WEIR_ASSIGN_OR_RETURN(const Timed many, Make(Decodes(kManySeqs, kManyLen), 1, Unsplit()));
    const int32_t more = many.call->plan().work.num_items - few.call->plan().work.num_items;
    for (int i = 0; i < kItemRounds; ++i) {
      const double seconds = Seconds(many, one_) - Seconds(few, one_);
      samples["item_us"].push_back(seconds * 1e6 / more);
    }
    return Ok();
  }

  // launch_us, merge_us: rows whose keys stay in a cache, many times. A merge is what rows in
  // halves take beyond as many whole rows as there are halves: the same keys in as many items.
  Status Tiny(TuneSamples& samples) {
    AttnPolicy halves = Unsplit();
    halves.fixed_splits = 2;
    const int32_t threads = all_.num_threads();
    const auto make = [&](int32_t rows, int32_t len, int32_t workers, const AttnPolicy& policy) {
      return Make(Decodes(rows, len), workers, policy, 1);
    };
    WEIR_ASSIGN_OR_RETURN(const Timed whole, make(2 * kMergeRows, kTinyLen, 1, Unsplit()));
    WEIR_ASSIGN_OR_RETURN(const Timed split, make(kMergeRows, 2 * kTinyLen, 1, halves));
    WEIR_ASSIGN_OR_RETURN(const Timed alone, make(1, kTinyLen, 1, Unsplit()));
    WEIR_ASSIGN_OR_RETURN(const Timed woken, make(1, kTinyLen, threads, Unsplit()));
    const int32_t merges = split.call->plan().work.num_merges;
    WEIR_CHECK_EQ(merges, kMergeRows * kShape.num_kv_heads);
    const int32_t items = alone.call->plan().work.num_items;
    const int32_t turns = (items + threads - 1) / threads;
    for (int i = 0; i < kTinyRounds; ++i) {
      const double merges_us = (Seconds(split, one_) - Seconds(whole, one_)) * 1e6;
      samples["merge_us"].push_back(merges_us / merges);
      const double items_us = Seconds(alone, one_) * 1e6 * turns / items;
      Seconds(woken, all_);  // wakes the others, who then spin as they do within a step
      samples["launch_us"].push_back(Seconds(woken, all_) * 1e6 - items_us);
    }
    return Ok();
  }

  double disturbed() const {
    return static_cast<double>(num_disturbed_) /
           static_cast<double>(std::max<int64_t>(1, num_calls_));
  }

 private:
  Result<Timed> Make(std::vector<SeqLengths> seqs, int32_t num_threads, const AttnPolicy& policy,
                     int64_t max_copies = kAllCopies) {
    Timed timed;
    timed.step = std::make_unique<AttentionStep>(*data_, std::move(seqs), max_copies);
    WEIR_ASSIGN_OR_RETURN(
        AttentionCall call,
        AttentionCall::Make(*data_, *timed.step, DefaultCpuProfile(num_threads), policy));
    timed.call = std::make_unique<AttentionCall>(std::move(call));
    timed.call->Run(table_, num_threads == 1 ? one_ : all_);
    return timed;
  }

  double Seconds(const Timed& timed, ThreadPool& pool) {
    double seconds = 0;
    ++num_calls_;
    for (int i = 0; i < kTries; ++i) {
      const int64_t before = NumPreemptions();
      seconds = timed.call->Seconds(table_, pool);
      if (NumPreemptions() == before) return seconds;
    }
    ++num_disturbed_;
    return seconds;
  }

  const KernelTable table_;
  ThreadPool one_;
  ThreadPool all_;
  CallerPin pin_;
  std::unique_ptr<AttentionData> data_;
  int64_t num_calls_ = 0;
  int64_t num_disturbed_ = 0;  // in every try
};

std::string Source(int rounds, const std::string& how) {
  return fmt::format("measured by weir tune: median of {}; {}", rounds, how);
}

void AddSources(DeviceProfile& profile) {
  const std::string reads =
      fmt::format("{} decodes of {} keys, {}, out of memory that no cache holds",
                  NumReadSeqs(profile.num_workers), kReadLen, kShapeText);
  auto& sources = profile.sources;
  sources["sm_count"] = "the threads that were measured";
  sources["num_workers"] = "the threads that were measured";
  sources["worker_gb_s"] = Source(kReadRounds, "one thread, " + reads + "; rounded down");
  sources["total_gb_s"] = Source(kReadRounds, "all threads, " + reads);
  sources["worker_gflop_s"] =
      Source(kComputeRounds,
             fmt::format("one thread, a fresh prefill of {}, {}", kFresh.q_len, kShapeText));
  sources["paged_gflop_s"] =
      Source(kComputeRounds, fmt::format("one thread, a prefill of {} after {}, {}", kPaged.q_len,
                                         kPaged.kv_len - kPaged.q_len, kShapeText));
  sources["item_us"] = Source(
      kItemRounds, fmt::format("one thread, {} rows of {} keys against {} of {}, per item, {}",
                               kManySeqs, kManyLen, kFewSeqs, kFewLen, kShapeText));
  sources["launch_us"] =
      Source(kTinyRounds, fmt::format("a row of {} keys on all threads, which still spin, without "
                                      "the items themselves",
                                      kTinyLen));
  sources["merge_us"] =
      Source(kTinyRounds,
             fmt::format("one thread, {} rows of {} keys in halves against {} of {}, per merge, "
                         "{}; rounded down",
                         kMergeRows, 2 * kTinyLen, 2 * kMergeRows, kTinyLen, kShapeText));
}

}  // namespace

// By way of decimal text, which is what a profile's file holds.
double RoundNearest(double value, int digits) {
  return std::strtod(fmt::format("{:.{}e}", value, digits - 1).c_str(), nullptr);
}

double RoundDown(double value, int digits) {
  const double nearest = RoundNearest(value, digits);
  if (nearest <= value) return nearest;
  const std::string text = fmt::format("{:e}", value);
  const std::string step =
      fmt::format("1e{}", std::stoi(text.substr(text.find('e') + 1)) - digits + 1);
  return RoundNearest(nearest - std::strtod(step.c_str(), nullptr), digits);
}

DeviceProfile ProfileFrom(const TuneSamples& samples, int32_t num_threads) {
  DeviceProfile profile = DefaultCpuProfile(num_threads);
  const auto median = [&](const char* key) { return Median(samples.at(key)); };
  profile.name = kTunedProfileName;
  profile.worker_gb_s = RoundDown(median("worker_gb_s"), 2);
  profile.total_gb_s = std::max(profile.worker_gb_s, RoundNearest(median("total_gb_s"), 3));
  profile.worker_gflop_s = RoundNearest(median("worker_gflop_s"), 3);
  profile.paged_gflop_s = RoundNearest(median("paged_gflop_s"), 3);
  profile.item_us = std::max(kLeastUs, RoundNearest(median("item_us"), 2));
  profile.launch_us = std::max(kLeastUs, RoundNearest(median("launch_us"), 2));
  profile.merge_us = std::max(kLeastUs, median("merge_us"));
  profile.merge_us = RoundDown(profile.merge_us, 2);
  AddSources(profile);
  return profile;
}

Result<Tuning> MeasureCpuProfile(const KernelTable& table, int32_t num_threads,
                                 FunctionRef<void(std::string_view)> progress) {
  Tuner tuner(table, num_threads);
  TuneSamples samples;
  progress("writing the memory to be read");
  WEIR_RETURN_IF_ERROR(tuner.Allocate());
  progress("reading: worker_gb_s, total_gb_s");
  WEIR_RETURN_IF_ERROR(tuner.Read(samples));
  progress("computing: worker_gflop_s, paged_gflop_s");
  WEIR_RETURN_IF_ERROR(tuner.Compute(samples));
  progress("fixed costs: item_us, launch_us, merge_us");
  WEIR_RETURN_IF_ERROR(tuner.ItemUs(samples));
  WEIR_RETURN_IF_ERROR(tuner.Tiny(samples));
  Tuning tuning{.profile = ProfileFrom(samples, num_threads), .disturbed = tuner.disturbed()};
  tuning.samples = std::move(samples);
  return tuning;
}

}  // namespace weir
