// SPDX-License-Identifier: Apache-2.0
#include "attention/fluid_model.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <queue>

#include "attention/plan_capacity.h"
#include "base/check.h"

namespace weir {
namespace {

constexpr double kBytesPerUs = 1e3;  // of one GB/s
// Workers that are free within this part of an item's time of each other count as one group.
constexpr double kSoon = 1.0 / 16;

constexpr double kNever = std::numeric_limits<double>::infinity();

// Least first, ties by worker: the order in which free workers take items is part of the model.
struct Event {
  double at;
  int32_t worker;
  int32_t item;
  bool operator>(const Event& other) const {
    return at != other.at ? at > other.at : worker > other.worker;
  }
};
using EventQueue = std::priority_queue<Event, std::vector<Event>, std::greater<>>;

// Streaming items all read at one rate, so they finish in the order of the bytes that each had read
// by all: `read` counts the bytes that an item streaming from the start would have read by now.
class Simulation {
 public:
  Simulation(std::span<const FluidItem> items, const DeviceProfile& device)
      : items_(items), device_(device), spans_(items.size()) {}

  FluidResult Run() {
    for (int32_t w = 0; w < device_.num_workers; ++w) Take(w);
    while (!timed_.empty() || !streaming_.empty()) Advance();
    FluidResult result = {};
    result.items_us = now_;
    result.spans = std::move(spans_);
    return result;
  }

 private:
  double ComputeUs(const FluidItem& item) const {
    return item.flops > 0 ? item.flops / (item.gflop_s * kBytesPerUs) : 0;
  }
  bool StreamsFrom(const FluidItem& item) const {
    return item.bytes / (device_.worker_gb_s * kBytesPerUs) >= ComputeUs(item);
  }
  // Bytes per microsecond of each streaming item.
  double Rate() const {
    const double left = std::max(device_.total_gb_s * kBytesPerUs - computing_rate_,
                                 0.05 * device_.total_gb_s * kBytesPerUs);
    return std::min(device_.worker_gb_s * kBytesPerUs,
                    left / static_cast<double>(streaming_.size()));
  }

  void Take(int32_t worker) {
    if (next_ == static_cast<int32_t>(items_.size())) return;
    spans_[next_] = {.worker = worker, .begin_us = now_, .end_us = now_};
    timed_.push({now_ + device_.item_us, worker, next_});
    in_fixed_.resize(items_.size(), true);
    ++next_;
  }

  void Advance() {
    const double timed_at = timed_.empty() ? kNever : timed_.top().at;
    const double rate = streaming_.empty() ? 0 : Rate();
    const double stream_at =
        streaming_.empty() ? kNever : now_ + (streaming_.top().at - read_) / rate;
    const double at = std::max(now_, std::min(timed_at, stream_at));
    read_ += (at - now_) * rate;
    now_ = at;
    if (timed_at <= stream_at) {
      EndTimed();
    } else {
      const Event event = streaming_.top();
      streaming_.pop();
      read_ = event.at;
      Finish(event);
    }
  }

  // The end of an item's fixed cost or of its computing.
  void EndTimed() {
    const Event event = timed_.top();
    timed_.pop();
    const FluidItem& item = items_[event.item];
    const double compute_us = ComputeUs(item);
    if (!in_fixed_[event.item]) {
      computing_rate_ -= item.bytes / compute_us;
      return Finish(event);
    }
    in_fixed_[event.item] = false;
    if (StreamsFrom(item)) {
      streaming_.push({read_ + item.bytes, event.worker, event.item});
    } else {
      computing_rate_ += item.bytes / compute_us;
      timed_.push({now_ + compute_us, event.worker, event.item});
    }
  }

  void Finish(const Event& event) {
    spans_[event.item].end_us = now_;
    Take(event.worker);
  }

  std::span<const FluidItem> items_;
  const DeviceProfile& device_;
  std::vector<FluidSpan> spans_;
  std::vector<bool> in_fixed_;
  EventQueue timed_;      // by time
  EventQueue streaming_;  // by `read`
  double now_ = 0;
  double read_ = 0;
  double computing_rate_ = 0;  // bytes per microsecond that computing items read
  int32_t next_ = 0;
};

// Tokens that all rows of an item see together.
double VisibleTokens(const AttnItem& item, const AttnBatch& batch, const AttnShape& shape) {
  const int32_t cached = batch.cached(item.seq);
  double sum = 0;
  for (int32_t r = item.q_begin; r < item.q_end; ++r) {
    const int32_t end = shape.causal ? cached + r + 1 : batch.kv_len[item.seq];
    const int32_t begin = shape.window > 0 ? std::max(0, end - shape.window) : 0;
    sum += std::max(0, std::min(end, item.kv_end) - std::max(begin, item.kv_begin));
  }
  return sum;
}

// Items of one sequence that read the same keys find them in a cache: each counts its share.
int32_t QueryTiles(const AttnItem& item, const AttnBatch& batch, const AttnShape& shape,
                   const DeviceProfile& device) {
  if (item.route == AttnRoute::kDecode) return 1;
  const int32_t rows = RowsPerTile(shape, device);
  return (batch.q_len(item.seq) + rows - 1) / rows;
}

FluidItem ItemDemand(const AttnItem& item, const AttnPlan& plan, const AttnBatch& batch,
                     const AttnShape& shape, const DeviceProfile& device) {
  const double tokens = item.kv_end - item.kv_begin;
  double seen = VisibleTokens(item, batch, shape);
  for (int32_t i = 0; i < item.num_members; ++i) {
    const AttnMember& member = plan.work.members[item.first_member + i];
    seen += tokens * batch.q_len(member.seq);
  }
  const bool contiguous = item.route == AttnRoute::kFresh;
  return {.bytes = tokens * static_cast<double>(shape.token_bytes()) /
                   QueryTiles(item, batch, shape, device),
          .flops = 4.0 * shape.group() * shape.head_dim * seen,
          .gflop_s = contiguous ? device.worker_gflop_s : device.paged_gflop_s};
}

}  // namespace

std::vector<FluidItem> FluidItems(const AttnPlan& plan, const AttnBatch& batch,
                                  const AttnShape& shape, const DeviceProfile& device) {
  std::vector<FluidItem> demands;
  demands.reserve(plan.items().size());
  for (const AttnItem& item : plan.items()) {
    demands.push_back(ItemDemand(item, plan, batch, shape, device));
  }
  return demands;
}

double MergeUs(const AttnShape& shape, const DeviceProfile& device, int64_t num_slot_rows) {
  if (num_slot_rows == 0) return 0;
  const double bytes = 2.0 * static_cast<double>(num_slot_rows) * (shape.head_dim + 2) * 4;
  return device.merge_us + bytes / (device.total_gb_s * kBytesPerUs);
}

FluidResult Simulate(std::span<const FluidItem> items, const AttnShape& shape,
                     const DeviceProfile& device, int32_t num_slot_rows) {
  FluidResult result = Simulation(items, device).Run();
  result.merge_us = MergeUs(shape, device, num_slot_rows);
  result.total_us = items.empty() ? 0 : device.launch_us + result.items_us + result.merge_us;
  return result;
}

FluidPredictor::FluidPredictor(const DeviceProfile& device)
    : total_(device.total_gb_s * kBytesPerUs),
      worker_(device.worker_gb_s * kBytesPerUs),
      item_us_(device.item_us),
      num_workers_(device.num_workers) {
  heap_.reserve(static_cast<size_t>(device.num_workers) + 1);
}

// The rate of one streaming item while all workers are busy, of which computing items keep some.
double FluidPredictor::BusyRate(std::span<const FluidClass> classes) const {
  double bytes = 0;
  double compute_us = 0;
  int64_t items = 0;
  int64_t streaming = 0;
  for (const FluidClass& c : classes) {
    const bool computes = c.compute_us > 0;
    items += c.count;
    streaming += computes ? 0 : c.count;
    (computes ? compute_us : bytes) +=
        static_cast<double>(c.count) * (computes ? c.compute_us : c.bytes);
  }
  const auto busy = static_cast<double>(std::min<int64_t>(num_workers_, items));
  const double spare = busy * bytes / total_ - compute_us;
  if (spare <= 0) return worker_;
  const double alone = total_ / static_cast<double>(std::max<int64_t>(1, streaming));
  return std::min(worker_, std::max(alone, bytes / spare));
}

double FluidPredictor::ItemsUs(std::span<const FluidClass> classes) {
  const double rate = BusyRate(classes);
  bool computes = false;
  heap_.assign(1, {0, num_workers_});
  for (const FluidClass& c : classes) {
    computes |= c.compute_us > 0;
    const double service = (c.compute_us > 0 ? c.compute_us * rate : c.bytes) + item_us_ * rate;
    for (int64_t left = c.count; left > 0;) left -= TakeFirst(left, service);
  }
  return computes ? LastFinish() / rate : IntegrateFinishes();
}

// The workers that are free first, and those soon after them, are busy for `service` more, as if
// all had been free at their mean. Returns how many they are, at most `most`.
int64_t FluidPredictor::TakeFirst(int64_t most, double service) {
  const auto later = [](const Finish& a, const Finish& b) { return a.at > b.at; };
  const double soon = heap_.front().at + kSoon * service;
  Finish taken = {0, 0};
  while (taken.workers < most && !heap_.empty() && heap_.front().at <= soon) {
    Finish& first = heap_.front();
    const int64_t workers = std::min(first.workers, most - taken.workers);
    taken.at += first.at * static_cast<double>(workers);
    taken.workers += workers;
    first.workers -= workers;
    if (first.workers > 0) break;
    std::pop_heap(heap_.begin(), heap_.end(), later);
    heap_.pop_back();
  }
  taken.at = taken.at / static_cast<double>(taken.workers) + service;
  heap_.push_back(taken);
  std::push_heap(heap_.begin(), heap_.end(), later);
  return taken.workers;
}

double FluidPredictor::LastFinish() const {
  double last = 0;
  for (const Finish& f : heap_) last = std::max(last, f.at);
  return last;
}

// As workers run out of items, those left read faster, up to what one worker can.
double FluidPredictor::IntegrateFinishes() {
  std::sort(heap_.begin(), heap_.end(),
            [](const Finish& a, const Finish& b) { return a.at < b.at; });
  double us = 0;
  double from = 0;
  int64_t active = num_workers_;
  for (const Finish& f : heap_) {
    us += (f.at - from) * std::max(1 / worker_, static_cast<double>(active) / total_);
    from = f.at;
    active -= f.workers;
  }
  return us;
}

}  // namespace weir
