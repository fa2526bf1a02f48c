// SPDX-License-Identifier: Apache-2.0
//
// What happened when, from the outcomes of a run: for pictures, and for what prefills do to others.
#ifndef WEIR_LOADGEN_REPORT_SERIES_H_
#define WEIR_LOADGEN_REPORT_SERIES_H_

#include <cstdint>
#include <span>
#include <vector>

#include "loadgen/stats/request_outcome.h"

namespace weir::loadgen {

struct Span {
  double begin_s;
  double end_s;

  double length_s() const { return end_s - begin_s; }
};

// The time between two chunks of a request.
struct Gap {
  Span span;
  size_t request;
};
std::vector<Gap> GapsOf(std::span<const RequestOutcome> outcomes);  // of those that completed

// From the start of each request that completed to its first chunk: as far as a client can see,
// the time in which its prompt waits and is computed.
std::vector<Span> PrefillsOf(std::span<const RequestOutcome> outcomes);

// Counts which of `spans` overlap a given one, ends that touch not counted.
class OverlapCounter {
 public:
  explicit OverlapCounter(std::span<const Span> spans);
  int64_t Count(const Span& span) const;

 private:
  std::vector<double> begins_;  // ascending
  std::vector<double> ends_;
};

// Events per second in buckets of equal length that cover [begin_s, end_s].
std::vector<double> RatesOver(std::span<const double> at_s, const Span& window, size_t num_buckets);

// When chunks came.
std::vector<double> ChunkTimes(std::span<const RequestOutcome> outcomes);

// The first row that is free for each span, in order of their begins. Spans are in that order.
std::vector<size_t> PackRows(std::span<const Span> spans);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_REPORT_SERIES_H_
