// SPDX-License-Identifier: Apache-2.0
//
// From what the user asked of attention to what the planner is made of.
#ifndef WEIR_ENGINE_ATTENTION_SETUP_H_
#define WEIR_ENGINE_ATTENTION_SETUP_H_

#include <cstdint>
#include <string>

#include <weir/options.h>
#include <weir/result.h>

#include "attention/attn_shape.h"
#include "attention/attn_workspace.h"
#include "attention/device_profile.h"
#include "attention/planner.h"
#include "attention/policy.h"
#include "model/model_config.h"

namespace weir {

// attn_policy, then attn_routing and kv_splits where they are given, then batch_invariant.
Result<AttnPolicy> AttnPolicyOf(const AttentionOptions& options);

Result<KvDType> ParseKvDType(const std::string& text);  // "bf16" or "int8"

// The profile in the file `path`, which must have been made with this many threads; without a path
// the built-in one of a CPU.
Result<DeviceProfile> CpuProfile(const std::string& path, int32_t num_threads);

AttnShape AttnShapeOf(const ModelConfig& config, KvDType dtype);

// A planner and the memory that its plans need.
struct AttnParts {
  Planner planner;
  AttnWorkspace workspace;
  DeviceProfile profile;  // that it plans for
};

Result<AttnParts> MakeAttnParts(const AttentionOptions& options, const ModelConfig& config,
                                int32_t num_threads, const PlannerLimits& limits);

}  // namespace weir

#endif  // WEIR_ENGINE_ATTENTION_SETUP_H_
