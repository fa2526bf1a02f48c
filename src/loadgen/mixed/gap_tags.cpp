// SPDX-License-Identifier: Apache-2.0
#include "loadgen/mixed/gap_tags.h"

#include <algorithm>
#include <utility>

namespace weir::loadgen {
namespace {

bool HasChunks(const RequestOutcome& outcome) {
  return outcome.state == RequestState::kCompleted ||
         (outcome.state == RequestState::kInterrupted && outcome.ttft_s > 0);
}

Span WindowOf(std::span<const RequestOutcome> background, double end_s) {
  Span window{0, end_s};
  for (const RequestOutcome& outcome : background) {
    if (!HasChunks(outcome)) continue;
    window.begin_s = std::max(window.begin_s, outcome.start_s + outcome.ttft_s);
    if (!outcome.completed()) continue;
    window.end_s = std::min(window.end_s, outcome.start_s + outcome.latency_s);
  }
  return window;
}

}  // namespace

Distribution MixedGaps::Of(GapTag tag) const {
  std::vector<double> seconds;
  for (const TaggedGap& tagged : gaps) {
    if (tagged.tag == tag) seconds.push_back(tagged.gap.span.length_s());
  }
  return Distribution(std::move(seconds));
}

MixedGaps TagGaps(std::span<const RequestOutcome> background,
                  std::span<const RequestOutcome> injected, const std::vector<bool>& is_cached,
                  double end_s) {
  MixedGaps mixed{.window = WindowOf(background, end_s)};
  const auto tag = [&](const Gap& gap) {
    TaggedGap tagged{gap, GapTag::kSteady, -1};
    for (size_t i = 0; i < injected.size(); ++i) {
      const double begin_s = injected[i].start_s;
      const double first_s = begin_s + injected[i].ttft_s;
      if (!injected[i].completed() || begin_s >= gap.span.end_s || first_s <= gap.span.begin_s) {
        continue;
      }
      if (tagged.injected < 0) tagged.injected = static_cast<int64_t>(i);
      if (tagged.tag != GapTag::kFresh)
        tagged.tag = is_cached[i] ? GapTag::kCached : GapTag::kFresh;
    }
    return tagged;
  };
  for (size_t i = 0; i < background.size(); ++i) {
    if (!HasChunks(background[i])) continue;
    double at = background[i].start_s + background[i].ttft_s;
    for (const double itl : background[i].itls_s) {
      const Span span{at, at + itl};
      at += itl;
      if (span.begin_s >= mixed.window.begin_s && span.end_s <= mixed.window.end_s) {
        mixed.gaps.push_back(tag({span, i}));
      }
    }
  }
  return mixed;
}

}  // namespace weir::loadgen
