// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_attention_report.h"

namespace weir {
namespace {

std::vector<double> Milliseconds(std::vector<double> seconds) {
  for (double& s : seconds) s *= 1e3;
  return seconds;
}

const char* KindName(CaseKind kind) {
  switch (kind) {
    case CaseKind::kDecode:
      return "decode";
    case CaseKind::kPrefill:
      return "prefill";
    case CaseKind::kMixed:
      return "mixed";
  }
  return "";
}

const char* RateUnit(CaseKind kind) { return kind == CaseKind::kDecode ? "GB/s" : "GF/s"; }

Json PolicyJson(const CaseSamples& samples, const PolicySamples& policy, const PolicySummary& s) {
  const bool mixed = samples.bound.has_value();
  Json object = {{"policy", s.policy},
                 {"num_items", policy.num_items},
                 {"num_slots", policy.num_slots},
                 {"plan_is_weirs", policy.same_plan},
                 {"median_ms", s.median_ms},
                 {"mad_ms", s.deviation_ms},
                 {"p10_ms", s.p10_ms},
                 {"p90_ms", s.p90_ms},
                 {"rate", mixed ? Json() : Json(s.rate)},
                 {"rate_unit", mixed ? Json() : Json(RateUnit(samples.bench_case.kind()))},
                 {"fraction", s.fraction},
                 {"ratio", nullptr},
                 {"ratio_low", nullptr},
                 {"ratio_high", nullptr},
                 {"verdict", nullptr},
                 {"samples_ms", Milliseconds(policy.seconds)}};
  if (!s.to_weir) return object;
  object["ratio"] = s.to_weir->median;
  object["ratio_low"] = s.to_weir->interval.low;
  object["ratio_high"] = s.to_weir->interval.high;
  object["verdict"] = ToString(s.to_weir->verdict);
  return object;
}

Json CeilingsJson(const CaseSamples& samples) {
  Json list = Json::array();
  for (const Ceilings& c : samples.ceilings) {
    list.push_back(
        {{"read_gb_s", c.read_gb_s}, {"f32_gf_s", c.f32_gf_s}, {"bf16_gf_s", c.bf16_gf_s}});
  }
  return list;
}

Json BoundJson(const CaseSamples& samples) {
  if (!samples.bound) return nullptr;
  const MixedBound& bound = *samples.bound;
  return {{"decode_bytes", bound.decode_bytes},        {"prefill_flops", bound.prefill_flops},
          {"one_read_gb_s", bound.one_read_gb_s},      {"one_gflop_s", bound.one_gflop_s},
          {"samples_ms", Milliseconds(bound.seconds)}, {"median_ms", Median(bound.seconds) * 1e3}};
}

Json CaseJson(const BenchReport& report, const CaseSamples& samples) {
  Json seqs = Json::array();
  for (const SeqLengths& seq : samples.bench_case.seqs) {
    seqs.push_back({{"q_len", seq.q_len}, {"kv_len", seq.kv_len}});
  }
  Json policies = Json::array();
  const std::vector<PolicySummary> summaries = Summarise(report, samples);
  for (size_t i = 0; i < summaries.size(); ++i) {
    policies.push_back(PolicyJson(samples, samples.policies[i], summaries[i]));
  }
  return {{"name", samples.bench_case.name},
          {"kind", KindName(samples.bench_case.kind())},
          {"shape", samples.shape_name},
          {"q_heads", samples.shape.num_q_heads},
          {"kv_heads", samples.shape.num_kv_heads},
          {"head_dim", samples.shape.head_dim},
          {"kv_dtype", samples.shape.kv_dtype == KvDType::kBf16 ? "bf16" : "int8"},
          {"seqs", std::move(seqs)},
          {"calls_per_sample", samples.calls_per_sample},
          {"steady", Steady(samples)},
          {"ceilings", CeilingsJson(samples)},
          {"bound", BoundJson(samples)},
          {"policies", std::move(policies)}};
}

}  // namespace

Json ToJson(const BenchReport& report) {
  Json cases = Json::array();
  for (const CaseSamples& samples : report.cases) cases.push_back(CaseJson(report, samples));
  return {{"table", report.table},
          {"threads", report.num_threads},
          {"profile", report.profile},
          {"batch_invariant", report.batch_invariant},
          {"rounds", report.rounds},
          {"interval", "95 %, of the median, by order statistics"},
          {"even_tolerance", kEvenTolerance},
          {"cases", std::move(cases)}};
}

}  // namespace weir
