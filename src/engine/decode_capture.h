// SPDX-License-Identifier: Apache-2.0
//
// Prepares steps: the batch that the model reads and the plan of its attention. A step that only
// decodes and has a captured size goes through buffers at fixed addresses, which are brought up to
// date instead of built again, and keeps its plan until some sequence's keys fill another unit of
// planning. Such a step gives the same bits as one that is built from nothing.
//
// Sizes     A step of n decodes uses the smallest captured size that is at least n. What a size has
//           beyond n is padding: rows without a token. The CPU's kernels never see them; a graph,
//           which was recorded with all of its rows, finds them in CapturedStep, doing nothing.
// Plans     Decodes that go on from the last step keep its payload for up to 32 steps, captured or
//           not, and are planned as if their last unit of keys were full: kernels ignore keys
//           beyond a sequence's length. So both modes ask for the same plans.
// Requires  no sliding window: its units would move with every token.
// Engine thread only. Allocates nothing after construction.
#ifndef WEIR_ENGINE_DECODE_CAPTURE_H_
#define WEIR_ENGINE_DECODE_CAPTURE_H_

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <weir/result.h>

#include "attention/planner.h"
#include "engine/batch_builder.h"
#include "engine/step_plan.h"
#include "engine/step_planner.h"
#include "model/forward_batch.h"

namespace weir {

enum class GraphMode : uint8_t { kNone, kFullDecodeOnly };
Result<GraphMode> ParseGraphMode(const std::string& text);  // "none" or "full-decode-only"
const char* GraphModeName(GraphMode mode);

// The sizes that are captured: `asked`, which must ascend and lie in [1, max_seqs]; none asked for:
// powers of two below max_seqs, and max_seqs.
Result<std::vector<int32_t>> CaptureSizes(std::span<const int32_t> asked, int32_t max_seqs);

struct CaptureOptions {
  GraphMode mode = GraphMode::kFullDecodeOnly;
  std::vector<int32_t> sizes;  // ascending; none: no step is captured
  BatchLimits batch;
  int32_t max_model_len;  // tokens
};

// A decode step as a graph of one size reads it: every array at an address that never changes, and
// rows beyond num_seqs padding (token 0 at position 0, no visible key, slot -1).
struct CapturedStep {
  int32_t size;
  int32_t num_seqs;
  std::span<const TokenId> tokens;      // [size]
  std::span<const int32_t> positions;   // [size]
  std::span<const int32_t> kv_len;      // [size]
  std::span<const int32_t> kv_slot;     // [size]
  std::span<const int32_t> pages;       // page i of row r at page_begin[r] + i
  std::span<const int32_t> page_begin;  // [size + 1]
};

// What a device with graphs does for captured steps. The CPU has none: its kernels are called.
class GraphBackend {
 public:
  virtual ~GraphBackend() = default;
  // Records the forward of a step of this size, all of it padding, at the addresses given.
  virtual Status Capture(const CapturedStep& step) = 0;
  // Runs what was recorded for step.size on what the buffers hold now.
  virtual void Replay(const CapturedStep& step, const AttnPlan& plan) = 0;
};

struct PreparedStep {
  ForwardBatch batch;
  AttnPlan plan;
  int32_t captured_size = 0;  // 0: built from nothing

  bool captured() const { return captured_size > 0; }
};

class DecodeCapture {
 public:
  DecodeCapture(const CaptureOptions& options, Planner planner);

  // Has every size recorded, largest first, as memory is then taken once.
  Status CaptureAll(GraphBackend& backend);

  // Valid until the next call.
  PreparedStep Prepare(const StepPlan& step);

  // The step that was prepared last, which must have been captured, as a graph reads it.
  CapturedStep captured() const;

  const Planner& planner() const { return planner_.planner(); }
  int64_t num_rebuilds() const { return num_rebuilds_; }  // captured steps of other sequences
  int64_t num_plans() const { return planner_.num_plans(); }

 private:
  // Who stands in a row of the buffers.
  struct Row {
    RequestId request;
    int32_t index;
    uint32_t table_version;
    int32_t num_pages;
  };

  int32_t SizeFor(const StepPlan& step) const;
  bool GoesOn(const StepPlan& step) const;
  void Rebuild(const StepPlan& step);
  void Refresh(const StepPlan& step);
  void SetToken(int32_t row, const StepPart& part);
  void SetPages(int32_t row, const Sequence& sequence, int32_t num_pages);
  void Pad(int32_t row);
  ForwardBatch View() const;

  CaptureOptions options_;
  StepPlanner planner_;
  BatchBuilder builder_;
  int32_t pages_per_seq_;
  int32_t size_ = 0;      // of the step in the buffers; 0: none
  int32_t num_seqs_ = 0;  // in the buffers
  std::vector<Row> rows_;
  std::vector<TokenId> tokens_;
  std::vector<int32_t> positions_, row_begin_, kv_len_, kv_slot_, pages_, page_begin_, logit_rows_;
  int64_t num_rebuilds_ = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_DECODE_CAPTURE_H_
