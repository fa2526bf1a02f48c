// SPDX-License-Identifier: Apache-2.0
//
// Sends requests at their times, as many at once as is allowed, and records what comes back. A
// function of the requests and of the network; it prints nothing.
#ifndef WEIR_LOADGEN_CLIENT_LOAD_RUN_H_
#define WEIR_LOADGEN_CLIENT_LOAD_RUN_H_

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "loadgen/client/network.h"
#include "loadgen/stats/request_outcome.h"

namespace weir::loadgen {

struct LoadRequest {
  double at_s = 0;            // since the run began
  std::string wire;           // head and body, ready to be sent
  int64_t prompt_tokens = 0;  // as planned
};

struct LoadProgress {
  int64_t num_ended = 0;
  int64_t num_failed = 0;
  int64_t num_requests = 0;
  int64_t in_flight = 0;
  int64_t num_chunks = 0;
  double elapsed_s = 0;
};

struct LoadOptions {
  int64_t max_concurrency = 0;        // requests in flight at most; 0: no limit
  double timeout_s = 6 * 3600;        // of a request
  bool keep_texts = false;            // also of answers whose length the server tells
  std::function<bool()> interrupted;  // ends the run when it becomes true
  std::function<void(const LoadProgress&)> progress;  // ten times a second
};

// How busy the client itself was. What it measures is the server only while it waits for it.
struct ClientHealth {
  double cpu_share = 0;       // of one CPU
  double max_busy_s = 0;      // longest time between two looks at the sockets
  double late_share = 0;      // reads that may have waited for more than kLateSeconds
  double max_send_lag_s = 0;  // after a request's time, when its place was free

  static constexpr double kLateSeconds = 0.005;
  bool saturated() const { return cpu_share > 0.9 || late_share > 0.01 || max_send_lag_s > 0.1; }
};

struct LoadResult {
  double begin_s = 0;     // of the clock of the outcomes
  double duration_s = 0;  // until the last request ended
  bool interrupted = false;
  std::vector<RequestOutcome> outcomes;  // in the order of the requests
  ClientHealth health;
};

// Requires: `requests` in order of their times.
LoadResult RunLoad(std::span<const LoadRequest> requests, const LoadOptions& options,
                   Network& network);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_CLIENT_LOAD_RUN_H_
