// SPDX-License-Identifier: Apache-2.0
#include "attention/router.h"

#include "base/check.h"

namespace weir {
namespace {

struct RowFacts {
  int32_t q_len;
  int32_t cached;
  int32_t packed_rows;
};

struct RowRule {
  AttnRoute route;
  const char* reason;
  bool (*accepts)(const RowFacts&);
};

// Tried top to bottom; the last accepts every row.
constexpr RowRule kRowRules[] = {
    {AttnRoute::kNone, "no new token", [](const RowFacts& r) { return r.q_len == 0; }},
    {AttnRoute::kDecode, "few query rows share each key: memory is the limit",
     [](const RowFacts& r) { return r.packed_rows <= kMaxDecodePackedRows; }},
    {AttnRoute::kFresh, "nothing cached: its keys are its own new tokens",
     [](const RowFacts& r) { return r.cached == 0; }},
    {AttnRoute::kPrefix, "many query rows over a cached prefix",
     [](const RowFacts&) { return true; }},
};

void RouteRows(const AttnBatch& batch, const AttnShape& shape, std::span<AttnDecision> decisions) {
  for (int32_t i = 0; i < batch.num_seqs(); ++i) {
    const RowFacts facts = {batch.q_len(i), batch.cached(i), batch.q_len(i) * shape.group()};
    const RowRule* rule = kRowRules;
    while (!rule->accepts(facts)) ++rule;
    decisions[i] = {.route = rule->route, .reason = rule->reason, .splits = 0};
  }
}

struct StepFacts {
  bool decode = false;
  bool prefill = false;
  bool cached_prefill = false;
  int64_t num_tokens = 0;
  bool eligible;
  bool causal;
  bool sinks;
};

StepFacts FactsOf(const AttnBatch& batch, const AttnShape& shape) {
  StepFacts facts = {
      .eligible =
          !shape.sinks && shape.window == 0 && !shape.softcap && shape.kv_dtype == KvDType::kBf16,
      .causal = shape.causal,
      .sinks = shape.sinks,
  };
  for (int32_t i = 0; i < batch.num_seqs(); ++i) {
    const int32_t q_len = batch.q_len(i);
    facts.num_tokens += q_len;
    facts.decode |= q_len == 1;
    facts.prefill |= q_len > 1;
    facts.cached_prefill |= q_len > 1 && batch.cached(i) > 0;
  }
  return facts;
}

struct StepRule {
  bool batch_only;  // not for kBatchPaged
  AttnRoute decode;
  AttnRoute prefill;
  const char* reason;
  bool (*accepts)(const StepFacts&);
};

constexpr StepRule kStepRules[] = {
    {false, AttnRoute::kDecode, AttnRoute::kNone, "all rows of the step decode",
     [](const StepFacts& s) { return !s.prefill && !s.sinks; }},
    {false, AttnRoute::kNone, AttnRoute::kFresh, "no decode and nothing cached in the step",
     [](const StepFacts& s) { return !s.decode && !s.cached_prefill && s.causal && s.eligible; }},
    {true, AttnRoute::kDecode, AttnRoute::kFresh, "mixed step, nothing cached: cut in two",
     [](const StepFacts& s) { return !s.cached_prefill && s.causal && s.eligible; }},
    {false, AttnRoute::kVarlen, AttnRoute::kVarlen,
     "the whole step is one paged call: mixed, a cached prefix or a feature in it",
     [](const StepFacts&) { return true; }},
};

bool IsGated(KvSplitRule rule) {
  return rule == KvSplitRule::kFixedGated || rule == KvSplitRule::kBatchGated;
}

SplitMode SplitsOf(bool cut_in_two, const StepFacts& facts, const AttnPolicy& policy) {
  // The older generations get equal bits by not splitting; a number that was asked for stands.
  const bool older = IsGated(policy.splits) || policy.splits == KvSplitRule::kBatch;
  if (policy.batch_invariant && older) return SplitMode::kUnsplit;
  if (!IsGated(policy.splits)) return SplitMode::kRule;
  // The two-way step hands no scheduler metadata to the decode kernel, which then does not split.
  if (cut_in_two) return SplitMode::kUnsplit;
  return facts.num_tokens <= policy.max_captured_tokens ? SplitMode::kRule : SplitMode::kHeuristic;
}

}  // namespace

StepRoute RouteStep(const AttnBatch& batch, const AttnShape& shape, const AttnPolicy& policy,
                    std::span<AttnDecision> decisions) {
  WEIR_CHECK_EQ(decisions.size(), batch.kv_len.size());
  const StepFacts facts = FactsOf(batch, shape);
  if (policy.routing == AttnRouting::kRow) {
    RouteRows(batch, shape, decisions);
    return {.splits = SplitsOf(/*cut_in_two=*/false, facts, policy), .one_call = false};
  }
  const StepRule* rule = kStepRules;
  while ((rule->batch_only && policy.routing != AttnRouting::kBatch) || !rule->accepts(facts)) {
    ++rule;
  }
  for (int32_t i = 0; i < batch.num_seqs(); ++i) {
    const int32_t q_len = batch.q_len(i);
    decisions[i] = {.route = q_len == 0   ? AttnRoute::kNone
                             : q_len == 1 ? rule->decode
                                          : rule->prefill,
                    .reason = q_len == 0 ? kRowRules[0].reason : rule->reason,
                    .splits = 0};
  }
  return {.splits = SplitsOf(rule->batch_only, facts, policy),
          .one_call = rule->decode == AttnRoute::kVarlen};
}

const char* ToString(AttnRoute route) {
  switch (route) {
    case AttnRoute::kNone:
      return "none";
    case AttnRoute::kDecode:
      return "decode";
    case AttnRoute::kFresh:
      return "fresh";
    case AttnRoute::kPrefix:
      return "prefix";
    case AttnRoute::kVarlen:
      return "varlen";
  }
  return "?";
}

}  // namespace weir
