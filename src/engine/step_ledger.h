// SPDX-License-Identifier: Apache-2.0
//
// What the engine remembers of its recent steps, and the totals of all of them. The engine thread
// writes without waiting and without allocating; any thread reads, and a slow reader costs the
// engine nothing (record_ring.h).
#ifndef WEIR_ENGINE_STEP_LEDGER_H_
#define WEIR_ENGINE_STEP_LEDGER_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <weir/stats.h>

#include "engine/recent_values.h"
#include "engine/record_ring.h"
#include "engine/step_load.h"

namespace weir {

class TraceWriter;

struct LedgerSizes {
  int64_t max_steps = 4096;
  int64_t max_rows = 65536;
  int64_t max_requests = 4096;
};

class StepLedger {
 public:
  // `trace` gets every record too; may be null, else outlives the ledger.
  explicit StepLedger(const LedgerSizes& sizes = {}, TraceWriter* trace = nullptr);

  // Engine thread. A request was taken in. A longer label is cut, at a whole character.
  void AddRequest(const RequestRecord& request);

  // Engine thread. A step is over: its record and those of its rows, whose steps are all
  // `step.step`, which is above all before. `cost` is the model that the step was filled by.
  void AddStep(const StepRecord& step, std::span<const RowRecord> rows, const StepCost& cost);

  // Engine thread. What Stats() returns from now on: `stats` as far as it is the caller's, and from
  // the steps added so far num_steps, num_captured_steps, num_preemptions, num_splits,
  // plan_seconds, num_seqs, num_tokens, step_tokens, decode_step_us and prefill_tok_s.
  void Publish(const EngineStats& stats);

  // Engine thread. Median time of recent steps that held decodes only; 0: none yet.
  double decode_step_us() const { return decode_steps_us_.Quantile(0.5); }

  // Any thread.
  EngineStats Stats() const;
  std::vector<StepRecord> Steps(int64_t first_step, int32_t max_records) const;
  std::vector<RowRecord> Rows(int64_t first_step, int32_t max_records) const;
  std::vector<RequestRecord> Requests(int32_t max_records) const;

 private:
  void Count(const StepRecord& step);

  // Of a request, as flat as a ring needs it.
  struct FlatRequest {
    RequestId request;
    int64_t arrived_us;
    int32_t num_prompt;
    int32_t num_outputs;
    int32_t label_len;
    char label[kMaxRecordLabel];
  };

  RecordRing<StepRecord> steps_;
  RecordRing<RowRecord> rows_;
  RecordRing<FlatRequest> requests_;
  RecordRing<EngineStats> stats_;  // the last is what holds; more, so that a reader finds one whole
  TraceWriter* trace_;
  EngineStats totals_ = {};
  RecentValues<64> decode_steps_us_;
  RecentValues<32> prefill_rates_;  // tokens per second
};

// The longest beginning of `text` that is at most `max_bytes` and ends no UTF-8 character midway.
std::string_view WholeCharacters(std::string_view text, size_t max_bytes);

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_LEDGER_H_
