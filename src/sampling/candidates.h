// SPDX-License-Identifier: Apache-2.0
//
// The tokens that remain after filters. Tokens have one strict order everywhere: larger logit
// first, then lower id; so every filter's result is unique, ties included. NaN and -inf never
// remain.
#ifndef WEIR_SAMPLING_CANDIDATES_H_
#define WEIR_SAMPLING_CANDIDATES_H_

#include <cstdint>
#include <span>
#include <vector>

#include <weir/request.h>

namespace weir {

struct Candidate {
  float logit;
  float weight;  // proportional to the probability
  TokenId token;
};

// Whether `a` comes before `b`.
inline bool Before(const Candidate& a, const Candidate& b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

// The first `k` of the tokens with logit >= floor, or all when there are fewer, in no particular
// order and with weight 0. Linear in the row for small k. Requires k >= 1.
void SelectTop(std::span<const float> logits, int64_t k, float floor, std::vector<Candidate>& out);

// Keeps the shortest beginning of the order whose weights add up to at least `mass`: a token stays
// when the sum of those before it is below `mass`. At least one stays. Linear; the order within
// `candidates` is lost.
void KeepMass(double mass, std::vector<Candidate>& candidates);

}  // namespace weir

#endif  // WEIR_SAMPLING_CANDIDATES_H_
