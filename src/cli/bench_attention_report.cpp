// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_attention_report.h"

#include <algorithm>

namespace weir {
namespace {

// Bytes or flops of the whole step, by what bounds it.
double WorkOf(const CaseSamples& samples) {
  const bool reads = samples.bench_case.kind() == CaseKind::kDecode;
  double work = 0;
  for (const SeqLengths& seq : samples.bench_case.seqs) {
    work += reads ? KvBytes(samples.shape, seq) : AttentionFlops(samples.shape, seq);
  }
  return work;
}

// Seconds that the step would take at the ceiling of this round.
double BestSeconds(const BenchReport& report, const CaseSamples& samples, size_t round) {
  if (samples.bound) return samples.bound->seconds[round];
  const Ceilings ceilings = samples.CeilingsOf(round);
  const double peak = report.has_dot ? ceilings.dot_gf_s() : ceilings.f32_gf_s;
  const bool reads = samples.bench_case.kind() == CaseKind::kDecode;
  return WorkOf(samples) / (reads ? ceilings.read_gb_s : peak) * 1e-9;
}

RatioSummary CompareTo(const PolicySamples& weir, const PolicySamples& policy) {
  std::vector<double> ratios;
  for (size_t round = 0; round < policy.seconds.size(); ++round) {
    ratios.push_back(policy.seconds[round] / weir.seconds[round]);
  }
  const Interval interval = MedianInterval(ratios);
  return {Median(std::move(ratios)), interval, Judge(interval)};
}

PolicySummary SummaryOf(const BenchReport& report, const CaseSamples& samples,
                        const PolicySamples& policy) {
  std::vector<double> fractions;
  for (size_t round = 0; round < policy.seconds.size(); ++round) {
    fractions.push_back(BestSeconds(report, samples, round) / policy.seconds[round]);
  }
  const double median = Median(policy.seconds);
  return {.policy = policy.policy,
          .median_ms = median * 1e3,
          .deviation_ms = MedianDeviation(policy.seconds) * 1e3,
          .p10_ms = Quantile(policy.seconds, 0.1) * 1e3,
          .p90_ms = Quantile(policy.seconds, 0.9) * 1e3,
          .rate = samples.bound ? 0 : WorkOf(samples) / median * 1e-9,
          .fraction = Median(std::move(fractions))};
}

}  // namespace

std::vector<PolicySummary> Summarise(const BenchReport& report, const CaseSamples& samples) {
  std::vector<PolicySummary> summaries;
  const auto weir = std::find_if(samples.policies.begin(), samples.policies.end(),
                                 [](const PolicySamples& p) { return p.policy == "weir"; });
  for (const PolicySamples& policy : samples.policies) {
    summaries.push_back(SummaryOf(report, samples, policy));
    if (weir == samples.policies.end() || policy.policy == "weir") continue;
    summaries.back().to_weir = CompareTo(*weir, policy);
  }
  return summaries;
}

bool Steady(const CaseSamples& samples) {
  size_t steady = 0;
  const size_t rounds = samples.ceilings.size() - 1;
  for (size_t round = 0; round < rounds; ++round) {
    steady += SameState(samples.ceilings[round], samples.ceilings[round + 1]);
  }
  return 4 * steady >= 3 * rounds;
}

}  // namespace weir
