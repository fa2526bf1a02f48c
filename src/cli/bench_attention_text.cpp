// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "cli/bench_attention_report.h"
#include "cli/plan_report.h"

namespace weir {
namespace {

constexpr int kNameWidth = 19;

double MedianOf(const CaseSamples& samples, double (*of)(const Ceilings&)) {
  std::vector<double> values;
  for (const Ceilings& ceilings : samples.ceilings) values.push_back(of(ceilings));
  return Median(std::move(values));
}

double ReadOf(const Ceilings& c) { return c.read_gb_s; }
double F32Of(const Ceilings& c) { return c.f32_gf_s; }
double DotOf(const Ceilings& c) { return c.dot_gf_s(); }

std::string Head(const BenchReport& report) {
  return fmt::format(
      "weir bench attention: {}, {} threads, {} rounds{}; profile: {}\n"
      "ms        of one call of one layer: median of the rounds and median distance from it\n"
      "reached   decodes: of a streaming read; prefills: of {} in registers, causal half only;\n"
      "          mixed steps: their bound over their time; all measured between the rounds; * "
      "where\n"
      "          the machine changed by more than 15 % in over a quarter of them\n"
      "to weir   time over weir's, median of the rounds with its 95 % interval (order "
      "statistics);\n"
      "          slower or faster: the interval lies beyond 1 +- {:.0f} %; = the plan is weir's, "
      "any\n"
      "          difference is noise\n",
      report.table, report.num_threads, report.rounds,
      report.batch_invariant ? ", batch-invariant" : "", report.profile,
      report.has_dot ? "dot products" : "f32 multiply-adds", 100 * kEvenTolerance);
}

std::string RateOf(const CaseSamples& samples, const PolicySummary& summary) {
  if (samples.bound) return "";
  const bool reads = samples.bench_case.kind() == CaseKind::kDecode;
  return reads ? fmt::format("{:.1f} GB/s", summary.rate)
               : fmt::format("{:.0f} GF/s", summary.rate);
}

std::string RatioOf(const PolicySamples& policy, const PolicySummary& summary) {
  if (!summary.to_weir) return "";
  const RatioSummary& ratio = *summary.to_weir;
  return fmt::format("{:6.3f}  [{:.3f}, {:.3f}]  {}{}", ratio.median, ratio.interval.low,
                     ratio.interval.high, ToString(ratio.verdict), policy.same_plan ? " =" : "");
}

std::string BoundLine(const BenchReport& report, const CaseSamples& samples) {
  const MixedBound& bound = *samples.bound;
  return fmt::format(
      "{:<{}}bound {:.3f} ms: max(M/B, (C/F1 + M/b1)/{}) + 0.1; M {:.1f} MB of decodes, B {:.1f} "
      "GB/s,\n{:<{}}b1 {:.1f} GB/s, C {:.2f} GF of prefills, F1 {:.0f} GF/s\n",
      "", kNameWidth, 1e3 * Median(bound.seconds), report.num_threads, bound.decode_bytes * 1e-6,
      MedianOf(samples, ReadOf), "", kNameWidth, Median(bound.one_read_gb_s),
      bound.prefill_flops * 1e-9, Median(bound.one_gflop_s));
}

std::string LengthsLine(const BenchCase& bench_case) {
  std::string text = fmt::format("{} is", bench_case.name);
  for (const SeqLengths& seq : bench_case.seqs) text += fmt::format(" {}", seq.kv_len);
  return text + "\n";
}

void AppendCase(const BenchReport& report, const CaseSamples& samples, std::string& out) {
  const std::vector<PolicySummary> summaries = Summarise(report, samples);
  for (size_t i = 0; i < summaries.size(); ++i) {
    const PolicySummary& s = summaries[i];
    std::string line =
        fmt::format("{:<{}}{:<8}{:>8.3f} +-{:<7.3f}{:>11}{:>6.0f} %{}  {}",
                    i == 0 ? samples.bench_case.name : "", kNameWidth, s.policy, s.median_ms,
                    s.deviation_ms, RateOf(samples, s), 100 * s.fraction,
                    Steady(samples) ? ' ' : '*', RatioOf(samples.policies[i], s));
    while (line.back() == ' ') line.pop_back();
    out += line + "\n";
  }
  if (samples.bound) out += BoundLine(report, samples);
}

// Where a case's name does not tell its lengths.
bool NameTells(const BenchCase& bench_case) { return ParseBenchCase(bench_case.name).has_value(); }

}  // namespace

std::string ToText(const BenchReport& report) {
  std::string out = Head(report);
  std::string shape;
  for (const CaseSamples& samples : report.cases) {
    if (samples.shape_name != shape) {
      shape = samples.shape_name;
      out += fmt::format(
          "\n{}: {}; {:.1f} GB/s streamed, {:.0f} GF/s of f32 multiply-adds, {:.0f} "
          "of dot products\n{:<{}}{:<8}{:>18}{:>22}{:>10}\n",
          shape, Describe(samples.shape), MedianOf(samples, ReadOf), MedianOf(samples, F32Of),
          MedianOf(samples, DotOf), "step", kNameWidth, "policy", "ms", "reached", "to weir");
    }
    AppendCase(report, samples, out);
  }
  for (const CaseSamples& samples : report.cases) {
    if (samples.shape_name != report.cases.front().shape_name || NameTells(samples.bench_case)) {
      continue;
    }
    out += "\n" + LengthsLine(samples.bench_case);
  }
  return out;
}

}  // namespace weir
