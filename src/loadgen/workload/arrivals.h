// SPDX-License-Identifier: Apache-2.0
//
// When requests start: fixed before the run, from the seed alone, by the rules of `vllm bench
// serve`. Gaps are drawn from a Gamma distribution of the wanted rate; without a ramp-up all are
// then scaled so that the last request starts at exactly num_requests / rate.
#ifndef WEIR_LOADGEN_WORKLOAD_ARRIVALS_H_
#define WEIR_LOADGEN_WORKLOAD_ARRIVALS_H_

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <weir/result.h>

namespace weir::loadgen {

struct RampUp {
  bool exponential = false;  // else linear
  int64_t start_rps = 0;
  int64_t end_rps = 0;
};

struct Traffic {
  double request_rate = std::numeric_limits<double>::infinity();  // per second; inf: all at 0
  double burstiness = 1;  // shape of the Gamma distribution; 1: Poisson; inf: constant gaps
  std::optional<RampUp> ramp_up;
};

Status ValidateTraffic(const Traffic& traffic);

struct Arrivals {
  std::vector<double> at_s;   // since the run began, ascending
  std::vector<double> rates;  // per second, wanted at that request
};

// Requires: num_requests >= 1 and traffic that ValidateTraffic accepts.
Result<Arrivals> DrawArrivals(const Traffic& traffic, int64_t num_requests, uint64_t seed);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_ARRIVALS_H_
