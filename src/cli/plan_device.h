// SPDX-License-Identifier: Apache-2.0
//
// The device that `weir plan` plans for.
#ifndef WEIR_CLI_PLAN_DEVICE_H_
#define WEIR_CLI_PLAN_DEVICE_H_

#include <cstdint>
#include <string>

#include "attention/device_profile.h"

namespace weir {

inline constexpr int32_t kMaxPlanWorkers = 1 << 16;

struct PlanDeviceOptions {
  std::string device;  // name of a built-in profile or a JSON file; empty: see ChooseDevice
  int32_t sm = 0;      // 0: as the profile says
  int32_t workers = 0;
  int32_t threads = 0;  // of a CPU; 0: every usable CPU
  std::string tuned;    // file that `weir tune` writes, for this CPU; empty: none
};

// This CPU is the tuned profile where there is one for its threads, else the built-in one.
// Without a device: this machine's CPU, or an H200 with other counts where counts are given. Other
// counts of multiprocessors keep the workers on each; the memory stays what it is.
Result<DeviceProfile> ChooseDevice(const PlanDeviceOptions& options);

}  // namespace weir

#endif  // WEIR_CLI_PLAN_DEVICE_H_
