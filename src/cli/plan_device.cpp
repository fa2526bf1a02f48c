// SPDX-License-Identifier: Apache-2.0
#include "cli/plan_device.h"

#include <algorithm>

#include "base/cpu_set.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "cli/tuned_profile.h"

namespace weir {
namespace {

constexpr size_t kMaxProfileBytes = 64 * 1024;

Result<DeviceProfile> ReadProfile(const std::string& path) {
  WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kMaxProfileBytes));
  return ParseDeviceProfile(text, path);
}

bool LooksLikeAFile(const std::string& device) {
  return device.find_first_of("/.") != std::string::npos;
}

Result<DeviceProfile> FindProfile(const std::string& device) {
  if (LooksLikeAFile(device)) return ReadProfile(device);
  Result<DeviceProfile> profile = BuiltinProfile(device);
  if (profile) return profile;
  return Err(Code::kInvalidArgument, "--", profile.error().message, ", or a JSON file");
}

Result<DeviceProfile> ThisCpu(const PlanDeviceOptions& options) {
  if (options.sm > 0 || options.workers > 0) {
    return Err(Code::kInvalidArgument, options.sm > 0 ? "--sm: " : "--workers: ",
               "found with --device cpu, wanted --threads");
  }
  const int32_t threads = options.threads > 0 ? options.threads : FindUsableCpus().num_threads;
  if (auto tuned = FindTunedProfile(options.tuned, threads)) return *tuned;
  return DefaultCpuProfile(threads);
}

Status ChangeCounts(const PlanDeviceOptions& options, DeviceProfile& profile) {
  const int32_t old_sm = std::max(1, profile.sm_count);
  const int64_t per_sm = std::max(1, profile.num_workers / old_sm);
  int64_t workers = options.sm > 0 ? options.sm * per_sm : profile.num_workers;
  if (options.workers > 0) workers = options.workers;
  if (workers > kMaxPlanWorkers) {
    return Err(Code::kInvalidArgument, "--sm: found ", options.sm, " with ", per_sm,
               " workers each, wanted at most ", kMaxPlanWorkers, " workers");
  }
  const int32_t sm_count = options.sm > 0 ? options.sm : profile.sm_count;
  if (sm_count != profile.sm_count || workers != profile.num_workers) {
    profile.name += " with other counts";
  }
  profile.sm_count = sm_count;
  profile.num_workers = static_cast<int32_t>(workers);
  return Ok();
}

}  // namespace

Result<DeviceProfile> ChooseDevice(const PlanDeviceOptions& options) {
  std::string device = options.device;
  if (device.empty()) device = options.sm > 0 || options.workers > 0 ? "h200" : "cpu";
  if (device == "cpu") return ThisCpu(options);
  if (options.threads > 0) {
    return Err(Code::kInvalidArgument, "--threads: found with --device ", device,
               ", wanted --device cpu");
  }
  WEIR_ASSIGN_OR_RETURN(DeviceProfile profile, FindProfile(device));
  WEIR_RETURN_IF_ERROR(ChangeCounts(options, profile));
  return profile;
}

}  // namespace weir
