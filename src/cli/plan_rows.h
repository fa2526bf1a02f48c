// SPDX-License-Identifier: Apache-2.0
//
// The step that `weir plan` plans, as its user writes it:
//   8x2500          8 decodes, each of one new token that sees 2500 keys, itself included
//   1x512+2000      1 prefill of 512 new tokens behind 2000 cached ones
//   8x2500, 2x1k+0  groups are separated by commas; k is 1024; spaces may stand between the parts
#ifndef WEIR_CLI_PLAN_ROWS_H_
#define WEIR_CLI_PLAN_ROWS_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "attention/attn_plan.h"

namespace weir {

inline constexpr int32_t kMaxPlanTokens = 1 << 20;  // new tokens of a step
inline constexpr int32_t kMaxPlanKvLen = 1 << 24;   // keys of a sequence
inline constexpr int32_t kPlanPageLen = 16;         // tokens

// Sequences of equal lengths.
struct RowGroup {
  int32_t count;
  int32_t q_len;
  int32_t cached;
  bool decode;  // written as NxL

  int32_t kv_len() const { return q_len + cached; }
};

// Messages count characters from 1.
Result<std::vector<RowGroup>> ParseRows(std::string_view text);

// "8 decodes at 2500", "1 prefill of 512 after 2000", "2 prefills of 1024".
std::string Describe(const RowGroup& group);

// The arrays of an AttnBatch, groups expanded in order. The first `shared_prefix` tokens of all
// decodes, in whole pages, are the same pages; without it there are no pages.
struct PlanStep {
  std::vector<int32_t> row_begin;
  std::vector<int32_t> kv_len;
  std::vector<int32_t> pages;
  std::vector<int32_t> page_begin;

  AttnBatch batch() const;
};

Result<PlanStep> MakeStep(std::span<const RowGroup> groups, int32_t shared_prefix);

}  // namespace weir

#endif  // WEIR_CLI_PLAN_ROWS_H_
