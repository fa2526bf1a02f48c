// SPDX-License-Identifier: Apache-2.0
#include "engine/step_ledger.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>

#include "engine/trace_writer.h"

namespace weir {
namespace {

constexpr int64_t kHeldStats = 16;
constexpr int64_t kStepsPerTracedCost = 32;  // the model moves slowly
constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

int32_t Sum(const std::array<int32_t, kNumRowClasses>& values) {
  return values[0] + values[1] + values[2];
}

// The first record of `ring` whose step is at least `first_step`: records ascend by step. What is
// overwritten meanwhile counts as before.
template <class T>
int64_t FirstOf(const RecordRing<T>& ring, int64_t first_step) {
  int64_t low = ring.begin();
  int64_t high = ring.end();
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    T record;
    const bool before = !ring.TryRead(middle, record) || record.step < first_step;
    (before ? low : high) = before ? middle + 1 : middle;
  }
  return low;
}

template <class T>
std::vector<T> ReadFrom(const RecordRing<T>& ring, int64_t first, int32_t max_records) {
  std::vector<T> records;
  if (max_records <= 0) return records;
  ring.Read(first, first + max_records, records);
  return records;
}

}  // namespace

std::string_view WholeCharacters(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  size_t end = max_bytes;
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  while (end > 0 && continues(text[end])) --end;
  return text.substr(0, end);
}

StepLedger::StepLedger(const LedgerSizes& sizes, TraceWriter* trace)
    : steps_(sizes.max_steps),
      rows_(sizes.max_rows),
      requests_(sizes.max_requests),
      stats_(kHeldStats),
      trace_(trace) {
  stats_.Append({});
}

void StepLedger::AddRequest(const RequestRecord& request) {
  FlatRequest flat = {.request = request.request,
                      .arrived_us = request.arrived_us,
                      .num_prompt = request.num_prompt,
                      .num_outputs = request.num_outputs};
  const std::string_view label = WholeCharacters(request.label, kMaxRecordLabel);
  flat.label_len = static_cast<int32_t>(label.size());
  std::memcpy(flat.label, label.data(), label.size());
  requests_.Append(flat);
  if (trace_ != nullptr) trace_->Put(request);
}

void StepLedger::AddStep(const StepRecord& step, std::span<const RowRecord> rows,
                         const StepCost& cost) {
  // Rows first: whoever sees the step finds its rows.
  for (const RowRecord& row : rows) rows_.Append(row);
  steps_.Append(step);
  Count(step);
  totals_.cost = cost;
  if (trace_ == nullptr) return;
  for (const RowRecord& row : rows) trace_->Put(row);
  trace_->Put(step);
  if (totals_.num_steps % kStepsPerTracedCost == 1) trace_->Put(cost);
}

void StepLedger::Count(const StepRecord& step) {
  ++totals_.num_steps;
  totals_.num_captured_steps += step.captured;
  totals_.num_preemptions += step.num_preempted;
  totals_.num_splits += step.num_splits;
  totals_.plan_seconds += step.plan_us * 1e-6;
  for (int i = 0; i < kNumRowClasses; ++i) {
    totals_.num_seqs[i] += step.num_seqs[i];
    totals_.num_tokens[i] += step.num_tokens[i];
  }
  const int32_t tokens = Sum(step.num_tokens);
  const auto bucket = std::lower_bound(kStepTokenEdges.begin(), kStepTokenEdges.end(), tokens);
  ++totals_.step_tokens[static_cast<size_t>(bucket - kStepTokenEdges.begin())];

  const int32_t decodes = step.num_tokens[static_cast<int>(RowClass::kDecode)];
  if (tokens == decodes) {
    decode_steps_us_.Add(step.total_us);
  } else if (step.total_us > 0) {
    prefill_rates_.Add((tokens - decodes) / (step.total_us * 1e-6));
  }
}

void StepLedger::Publish(const EngineStats& stats) {
  EngineStats all = stats;
  all.num_steps = totals_.num_steps;
  all.num_captured_steps = totals_.num_captured_steps;
  all.num_preemptions = totals_.num_preemptions;
  all.num_splits = totals_.num_splits;
  all.plan_seconds = totals_.plan_seconds;
  all.num_seqs = totals_.num_seqs;
  all.num_tokens = totals_.num_tokens;
  all.step_tokens = totals_.step_tokens;
  all.decode_step_us = decode_steps_us_.Quantile(0.5);
  all.prefill_tok_s = prefill_rates_.Quantile(0.5);
  all.cost = totals_.cost;
  stats_.Append(all);
}

// Fails to read the last only when kHeldStats more were published meanwhile: then there is a newer.
EngineStats StepLedger::Stats() const {
  EngineStats stats;
  while (!stats_.TryRead(stats_.end() - 1, stats)) {
  }
  return stats;
}

std::vector<StepRecord> StepLedger::Steps(int64_t first_step, int32_t max_records) const {
  return ReadFrom(steps_, FirstOf(steps_, first_step), max_records);
}

std::vector<RowRecord> StepLedger::Rows(int64_t first_step, int32_t max_records) const {
  return ReadFrom(rows_, FirstOf(rows_, first_step), max_records);
}

std::vector<RequestRecord> StepLedger::Requests(int32_t max_records) const {
  std::vector<RequestRecord> requests;
  if (max_records <= 0) return requests;
  std::vector<FlatRequest> flat;
  requests_.Read(requests_.end() - max_records, kEnd, flat);
  for (const FlatRequest& f : flat) {
    requests.push_back({.request = f.request,
                        .label = std::string(f.label, static_cast<size_t>(f.label_len)),
                        .arrived_us = f.arrived_us,
                        .num_prompt = f.num_prompt,
                        .num_outputs = f.num_outputs});
  }
  return requests;
}

}  // namespace weir
