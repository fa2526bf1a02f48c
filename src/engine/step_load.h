// SPDX-License-Identifier: Apache-2.0
//
// What a step holds, as far as its time depends on it: a handful of sums that grow row by row, so
// that a scheduler can ask what one more row would cost without looking at the others again.
#ifndef WEIR_ENGINE_STEP_LOAD_H_
#define WEIR_ENGINE_STEP_LOAD_H_

#include <array>
#include <cstdint>

#include <weir/stats.h>

namespace weir {

// Of a sequence that computes q_len tokens and then has kv_len. A single token behind others is a
// decode, whether it was generated or ends a prompt: both cost the same.
constexpr RowClass RowClassOf(int32_t q_len, int32_t kv_len) {
  if (q_len == kv_len) return RowClass::kFreshPrefill;
  return q_len == 1 ? RowClass::kDecode : RowClass::kCachedPrefill;
}

struct StepLoad {
  std::array<int32_t, kNumRowClasses> num_seqs = {};
  std::array<int32_t, kNumRowClasses> num_tokens = {};
  int32_t num_logits = 0;    // sequences whose next token is chosen
  int64_t decode_keys = 0;   // that decodes read
  int64_t fresh_pairs = 0;   // of a query and a key that it sees, where nothing was cached
  int64_t cached_pairs = 0;  // the same behind a cached prefix

  // Tokens [begin, end) of a sequence; `wants_logits` as in StepPart.
  void Add(int32_t begin, int32_t end, bool wants_logits) {
    const int32_t q_len = end - begin;
    const RowClass row_class = RowClassOf(q_len, end);
    const int64_t pairs = int64_t{q_len} * begin + int64_t{q_len} * (q_len + 1) / 2;
    ++num_seqs[static_cast<int>(row_class)];
    num_tokens[static_cast<int>(row_class)] += q_len;
    num_logits += wants_logits;
    if (row_class == RowClass::kDecode) decode_keys += end;
    if (row_class == RowClass::kFreshPrefill) fresh_pairs += pairs;
    if (row_class == RowClass::kCachedPrefill) cached_pairs += pairs;
  }

  int32_t tokens() const { return num_tokens[0] + num_tokens[1] + num_tokens[2]; }
  int32_t seqs() const { return num_seqs[0] + num_seqs[1] + num_seqs[2]; }
  bool only_decodes() const { return seqs() == num_seqs[static_cast<int>(RowClass::kDecode)]; }
};

// The microseconds that `cost` predicts for a step of this load.
double PredictUs(const StepCost& cost, const StepLoad& load);

}  // namespace weir

#endif  // WEIR_ENGINE_STEP_LOAD_H_
