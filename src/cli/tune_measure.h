// SPDX-License-Identifier: Apache-2.0
//
// Measures the constants of this machine's CPU profile with the kernels that will use them: seconds
// in all. What each constant is: device_profile.h; how each is measured: its text in "sources".
#ifndef WEIR_CLI_TUNE_MEASURE_H_
#define WEIR_CLI_TUNE_MEASURE_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "attention/device_profile.h"
#include "base/function_ref.h"
#include "kernels/kernel_table.h"

namespace weir {

// Samples of each measured constant, by its name, before rounding.
using TuneSamples = std::map<std::string, std::vector<double>>;

struct Tuning {
  DeviceProfile profile;
  TuneSamples samples;
  double disturbed = 0;  // part of the timed calls that other programs interrupted
};

// `progress` is told what is measured next.
Result<Tuning> MeasureCpuProfile(const KernelTable& table, int32_t num_threads,
                                 FunctionRef<void(std::string_view)> progress);

// The built-in profile with the medians of the samples. worker_gb_s and merge_us are rounded down,
// because over-estimating them costs far more than under-estimating; others to the nearest of two
// or three digits. No constant is so small that a profile with it would be refused.
DeviceProfile ProfileFrom(const TuneSamples& samples, int32_t num_threads);

// The largest number of `digits` significant decimal digits that is not above `value`, and the
// nearest such number.
double RoundDown(double value, int digits);
double RoundNearest(double value, int digits);

}  // namespace weir

#endif  // WEIR_CLI_TUNE_MEASURE_H_
