// SPDX-License-Identifier: Apache-2.0
//
// Results against results. A ratio alone proves nothing, so each comes with a 95 % interval, and a
// verdict is given only where the interval does not hold 1:
//   several runs on both sides   Welch's interval of the mean logarithms: what runs differ by is in
//                                it
//   one run with its requests    bootstrap over the requests: says that the requests of these two
//                                runs differ, not what another run would bring
//   anything else                no interval and no verdict
#ifndef WEIR_LOADGEN_REPORT_COMPARE_H_
#define WEIR_LOADGEN_REPORT_COMPARE_H_

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "loadgen/report/figures.h"

namespace weir::loadgen {

struct RatioInterval {
  double low;
  double high;
};

enum class Basis { kNone, kRuns, kRequests };

struct Ratio {
  Figure figure;
  double base = 0;  // mean over the runs
  double other = 0;
  double ratio = 0;  // other / base
  Basis basis = Basis::kNone;
  std::optional<RatioInterval> interval;

  // "better", "worse", "even" when the interval holds 1, "" when there is none.
  std::string Verdict() const;
};

struct ResultSet {
  std::string name;
  std::vector<Json> runs;
};

std::vector<Ratio> Compare(const ResultSet& base, const ResultSet& other);

// The table for the first set against each of the others. Requires: at least two sets.
std::string CompareText(std::span<const ResultSet> sets);

// Mean, standard deviation (n - 1), coefficient of variation, least and largest of several runs.
std::string VariationText(std::span<const Json> runs);

// 97.5 % quantile of Student's t distribution, at least.
double StudentT(double degrees_of_freedom);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_REPORT_COMPARE_H_
