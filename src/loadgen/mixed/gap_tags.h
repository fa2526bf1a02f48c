// SPDX-License-Identifier: Apache-2.0
//
// What prefills do to decodes: every gap between tokens of the background is steady or under a
// prefill. Pure; works on outcomes.
#ifndef WEIR_LOADGEN_MIXED_GAP_TAGS_H_
#define WEIR_LOADGEN_MIXED_GAP_TAGS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "loadgen/report/series.h"
#include "loadgen/stats/request_outcome.h"
#include "loadgen/stats/statistics.h"

namespace weir::loadgen {

enum class GapTag { kSteady, kFresh, kCached };  // kFresh also when both kinds are under way

struct TaggedGap {
  Gap gap;
  GapTag tag;
  int64_t injected;  // the first prefill that overlaps it; -1: none
};

struct MixedGaps {
  Span window{0, 0};  // in which all of the background decodes
  std::vector<TaggedGap> gaps;

  Distribution Of(GapTag tag) const;  // seconds
};

// The background decodes from its last first chunk to the first last chunk of a request that was
// not cut off, or to `end_s`. `is_cached[i]` tells of what kind injected request i is.
MixedGaps TagGaps(std::span<const RequestOutcome> background,
                  std::span<const RequestOutcome> injected, const std::vector<bool>& is_cached,
                  double end_s);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_MIXED_GAP_TAGS_H_
