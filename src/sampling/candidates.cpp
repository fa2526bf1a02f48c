// SPDX-License-Identifier: Apache-2.0
#include "sampling/candidates.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace weir {

void SelectTop(std::span<const float> logits, int64_t k, float floor, std::vector<Candidate>& out) {
  WEIR_CHECK_GE(k, 1);
  out.clear();
  const auto keep = static_cast<size_t>(std::min<int64_t>(k, static_cast<int64_t>(logits.size())));
  // Collects twice as many as wanted, then drops the worse half and raises the bar: each drop costs
  // as much as the tokens that it drops.
  const size_t capacity = std::max<size_t>(2 * keep, 256);
  const auto drop_worse = [&] {
    std::nth_element(out.begin(), out.begin() + static_cast<int64_t>(keep) - 1, out.end(), Before);
    out.resize(keep);
  };
  // A later token that only equals the last one kept has a higher id than all kept: it loses.
  float above = -std::numeric_limits<float>::infinity();
  for (size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] > above) || logits[id] < floor) continue;
    out.push_back({logits[id], 0.0f, static_cast<TokenId>(id)});
    if (out.size() < capacity) continue;
    drop_worse();
    above = out.back().logit;
  }
  if (out.size() > keep) drop_worse();
}

void KeepMass(double mass, std::vector<Candidate>& candidates) {
  constexpr int64_t kFewEnoughToSort = 32;
  // The cut lies in [begin, end): all before begin stay and weigh `sum`, all from end on go.
  auto begin = candidates.begin();
  auto end = candidates.end();
  double sum = 0.0;
  while (end - begin > kFewEnoughToSort) {
    const auto middle = begin + (end - begin) / 2;
    std::nth_element(begin, middle, end, Before);
    double half = 0.0;
    for (auto it = begin; it != middle; ++it) half += static_cast<double>(it->weight);
    if (sum + half >= mass) {
      end = middle;
    } else {
      sum += half;
      begin = middle;
    }
  }
  std::sort(begin, end, Before);
  while (begin != end && (begin == candidates.begin() || sum < mass)) {
    sum += static_cast<double>(begin->weight);
    ++begin;
  }
  candidates.erase(begin, candidates.end());
}

}  // namespace weir
