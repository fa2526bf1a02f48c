// SPDX-License-Identifier: Apache-2.0
#include "ceilings.h"

#include <utility>

#include "base/check.h"

namespace weir::bench {
namespace {

weir::CeilingProbe MakeProbe() {
  auto probe = weir::CeilingProbe::Make();
  WEIR_CHECK(probe.has_value());
  return std::move(*probe);
}

}  // namespace

BenchThreads::BenchThreads() : one_({.num_threads = 1}), all_({}), pin_(all_) {}

CeilingProbe::CeilingProbe() : weir::CeilingProbe(MakeProbe()) {}

}  // namespace weir::bench
