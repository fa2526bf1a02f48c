// SPDX-License-Identifier: Apache-2.0
//
// Turns a step into its records, and what was measured of it into a better cost model. Engine
// thread only; allocates nothing after construction.
#ifndef WEIR_ENGINE_STEP_RECORDER_H_
#define WEIR_ENGINE_STEP_RECORDER_H_

#include <cstdint>
#include <vector>

#include "attention/attn_plan.h"
#include "engine/cost_model.h"
#include "engine/decode_capture.h"
#include "engine/step_ledger.h"
#include "engine/step_plan.h"
#include "engine/step_timer.h"

namespace weir {

class StepRecorder {
 public:
  // `ledger` outlives the recorder.
  StepRecorder(StepLedger& ledger, int32_t max_seqs);

  // A step begins: its number, from 1, and its rows, which may end with it. Valid until the next.
  StepRecord& Begin(const StepPlan& step);

  // It is over: `timer` has been told the end of its phases.
  void End(const StepTimer& timer, const PreparedStep& prepared, CostModel& model);

 private:
  StepLedger& ledger_;
  StepRecord record_ = {};
  StepLoad load_;
  std::vector<RowRecord> rows_;
  int64_t num_steps_ = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_RECORDER_H_
