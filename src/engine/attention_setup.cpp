// SPDX-License-Identifier: Apache-2.0
#include "engine/attention_setup.h"

#include <utility>

#include "base/error.h"
#include "base/mapped_file.h"

namespace weir {
namespace {

constexpr size_t kMaxProfileBytes = size_t{1} << 16;

}  // namespace

Result<AttnPolicy> AttnPolicyOf(const AttentionOptions& options) {
  WEIR_ASSIGN_OR_RETURN(AttnPolicy policy, ParseAttnPolicy(options.policy));
  if (!options.routing.empty()) {
    WEIR_ASSIGN_OR_RETURN(policy.routing, ParseAttnRouting(options.routing));
    policy.name += "+" + options.routing;
  }
  if (!options.kv_splits.empty()) {
    WEIR_RETURN_IF_ERROR(ParseKvSplits(options.kv_splits, policy));
    policy.name += "+" + options.kv_splits;
  }
  policy.batch_invariant = options.batch_invariant;
  return policy;
}

Result<KvDType> ParseKvDType(const std::string& text) {
  if (text == "bf16") return KvDType::kBf16;
  if (text == "int8") return KvDType::kInt8;
  return Err(Code::kInvalidArgument, "kv_cache_dtype: found ", text, ", wanted bf16 or int8");
}

Result<DeviceProfile> CpuProfile(const std::string& path, int32_t num_threads) {
  if (path.empty()) return DefaultCpuProfile(num_threads);
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxProfileBytes));
  WEIR_ASSIGN_OR_RETURN(DeviceProfile profile, ParseDeviceProfile(text, path));
  if (profile.num_workers != num_threads) {
    return Err(Code::kInvalidArgument, path, ": found num_workers ", profile.num_workers,
               ", wanted the ", num_threads,
               " threads that are in use; `weir tune` measures again");
  }
  return profile;
}

AttnShape AttnShapeOf(const ModelConfig& config, KvDType dtype) {
  return {.num_q_heads = config.num_q_heads,
          .num_kv_heads = config.num_kv_heads,
          .head_dim = config.head_dim,
          .kv_dtype = dtype};
}

Result<AttnParts> MakeAttnParts(const AttentionOptions& options, const ModelConfig& config,
                                int32_t num_threads, const PlannerLimits& limits) {
  WEIR_ASSIGN_OR_RETURN(const AttnPolicy policy, AttnPolicyOf(options));
  WEIR_ASSIGN_OR_RETURN(const KvDType dtype, ParseKvDType(options.kv_cache_dtype));
  WEIR_ASSIGN_OR_RETURN(const DeviceProfile profile,
                        CpuProfile(options.device_profile, num_threads));
  const AttnShape shape = AttnShapeOf(config, dtype);
  Planner planner(shape, profile, policy, limits);
  WEIR_ASSIGN_OR_RETURN(AttnWorkspace workspace,
                        AttnWorkspace::Allocate(shape, planner.capacity()));
  return AttnParts{
      .planner = std::move(planner), .workspace = std::move(workspace), .profile = profile};
}

}  // namespace weir
