// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/arrivals.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/error.h"
#include "loadgen/workload/mersenne_twister.h"

namespace weir::loadgen {
namespace {

double RateAt(const Traffic& traffic, int64_t index, int64_t num_requests) {
  if (!traffic.ramp_up) return traffic.request_rate;
  const auto start = static_cast<double>(traffic.ramp_up->start_rps);
  const auto end = static_cast<double>(traffic.ramp_up->end_rps);
  const double progress =
      static_cast<double>(index) / static_cast<double>(std::max<int64_t>(num_requests - 1, 1));
  if (traffic.ramp_up->exponential) return start * std::pow(end / start, progress);
  return start + (end - start) * progress;
}

double Gap(NumpyGamma& gamma, double rate, double burstiness) {
  if (std::isinf(rate)) return 0;
  if (std::isinf(burstiness)) return 1.0 / rate;
  return gamma.Draw(burstiness, 1.0 / (rate * burstiness));
}

}  // namespace

Status ValidateTraffic(const Traffic& traffic) {
  if (!(traffic.request_rate > 0)) {
    return Err(Code::kInvalidArgument, "--request-rate: found ", traffic.request_rate,
               ", wanted more than 0, or inf");
  }
  if (!(traffic.burstiness > 0)) {
    return Err(Code::kInvalidArgument, "--burstiness: found ", traffic.burstiness,
               ", wanted more than 0, or inf");
  }
  if (!traffic.ramp_up) return Ok();
  const RampUp& ramp_up = *traffic.ramp_up;
  if (!std::isinf(traffic.request_rate)) {
    return Err(Code::kInvalidArgument,
               "--request-rate: found with --ramp-up-strategy, wanted one of them");
  }
  if (ramp_up.start_rps < 0 || ramp_up.start_rps > ramp_up.end_rps || ramp_up.end_rps == 0) {
    return Err(Code::kInvalidArgument, "--ramp-up-start-rps: found ", ramp_up.start_rps,
               " to --ramp-up-end-rps ", ramp_up.end_rps, ", wanted 0 <= start <= end, end > 0");
  }
  // A linear ramp's first request would have to wait forever.
  if (ramp_up.start_rps == 0) {
    return Err(Code::kInvalidArgument, "--ramp-up-start-rps: found 0, wanted at least 1");
  }
  return Ok();
}

Result<Arrivals> DrawArrivals(const Traffic& traffic, int64_t num_requests, uint64_t seed) {
  WEIR_CHECK(num_requests >= 1);
  WEIR_RETURN_IF_ERROR(ValidateTraffic(traffic));
  MersenneTwister twister = MersenneTwister::NumpySeed(static_cast<uint32_t>(seed));
  NumpyGamma gamma(twister);
  Arrivals arrivals;
  double at_s = 0;
  for (int64_t i = 0; i < num_requests; ++i) {
    arrivals.rates.push_back(RateAt(traffic, i, num_requests));
    at_s += Gap(gamma, arrivals.rates.back(), traffic.burstiness);
    arrivals.at_s.push_back(at_s);
  }
  if (!traffic.ramp_up && at_s != 0) {
    const double factor = static_cast<double>(num_requests) / traffic.request_rate / at_s;
    for (double& at : arrivals.at_s) at *= factor;
  }
  return arrivals;
}

}  // namespace weir::loadgen
