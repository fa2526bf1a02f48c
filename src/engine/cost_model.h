// SPDX-License-Identifier: Apache-2.0
//
// How long a step will take, from what it holds. Each part of a step (weights, tokens, keys that
// decodes read, pairs of prefills by route, sequences that sample) has a prior from the model's
// sizes and the device's profile, and a factor that measured steps correct.
//
// The fit is a weighted least squares over recent steps, relative errors, newer ones counting more,
// with every factor inside fixed bounds and drawn towards what it was a step before. So a factor
// that recent steps say nothing of stays what it was, and none can run away: a step costs a fixed
// number of operations, whatever was measured. A step that took much longer than usual, as when
// another process had the CPU, counts little.
//
// Engine thread only. Allocates nothing after construction.
#ifndef WEIR_ENGINE_COST_MODEL_H_
#define WEIR_ENGINE_COST_MODEL_H_

#include <array>
#include <cstdint>

#include <weir/stats.h>

#include "attention/attn_shape.h"
#include "attention/device_profile.h"
#include "engine/recent_values.h"
#include "engine/step_load.h"
#include "model/model_config.h"

namespace weir {

// What the profile promises of this model; factors of it are learned. Every field is positive.
StepCost PriorStepCost(const ModelConfig& config, const AttnShape& shape,
                       const DeviceProfile& device);

// A prompt that asks for its next chunk.
struct PrefillAsk {
  int32_t computed;   // tokens that are in pages already: the chunk begins there
  int32_t remaining;  // tokens of the sequence that are not computed, at least 1; a chunk of so
                      // many wants logits
  int32_t limit;      // the longest chunk that hard limits allow
};

class CostModel {
 public:
  static constexpr int kNumParts = 8;
  using Parts = std::array<double, kNumParts>;

  explicit CostModel(const StepCost& prior);

  double PredictUs(const StepLoad& load) const { return weir::PredictUs(cost_, load); }

  // The longest chunk that keeps the step within `until_us`: 0 where even the shortest chunk, which
  // is min(min_chunk(), remaining, limit) tokens, does not. Falls with what the step holds already
  // and rises with `until_us`.
  int32_t PrefillTokensWithin(const StepLoad& load, const PrefillAsk& ask, double until_us) const;

  // A chunk shorter than this would read all weights, and the keys before it, for little: as many
  // tokens as are computed while the weights are read, in whole tiles of 16, from 16 to 256.
  int32_t min_chunk() const { return min_chunk_; }

  // What to fill a step up to, so that about nine in ten steps that hold a prefill end within the
  // budget: less by the p90 of how much longer than predicted such steps took, at most by a third.
  double FillTargetUs(double budget_us) const;

  // A step has been measured.
  void Observe(const StepLoad& load, double measured_us);

  // Of |measured / predicted - 1| of recent steps; 0 before the first.
  double median_error() const { return errors_.Quantile(0.5); }
  double p90_error() const { return errors_.Quantile(0.9); }
  int64_t num_observed() const { return num_observed_; }

  const StepCost& cost() const { return cost_; }

 private:
  void Forget(double keep);
  void AddSample(const Parts& parts, double target, double weight);
  void Solve();
  void Publish();

  StepCost prior_;
  StepCost cost_;
  int32_t min_chunk_;
  Parts factors_;  // of the prior
  std::array<Parts, kNumParts> gram_ = {};
  Parts moment_ = {};
  RecentValues<16> last_errors_;  // what is usual, for telling outliers from a machine that changed
  RecentValues<128> errors_;      // of all steps
  RecentValues<64> prefill_lateness_;  // measured / predicted - 1 of steps that hold a prefill
  int64_t num_observed_ = 0;
};

}  // namespace weir

#endif  // WEIR_ENGINE_COST_MODEL_H_
