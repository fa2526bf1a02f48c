// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_attention_run.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "cli/bench_stats.h"

namespace weir {
namespace {

constexpr double kSampleSeconds = 0.015;  // so that a sample is more than the clock and luck
constexpr int32_t kMaxCalls = 63;
constexpr double kMixedOverheadSeconds = 100e-6;

Ceilings Mean(const Ceilings& a, const Ceilings& b) {
  return {.read_gb_s = (a.read_gb_s + b.read_gb_s) / 2,
          .f32_gf_s = (a.f32_gf_s + b.f32_gf_s) / 2,
          .bf16_gf_s = (a.bf16_gf_s + b.bf16_gf_s) / 2};
}

Result<std::vector<AttentionCall>> MakeCalls(const BenchSettings& settings,
                                             const AttentionData& data, AttentionStep& step) {
  std::vector<AttentionCall> calls;
  for (const AttnPolicy& policy : settings.policies) {
    WEIR_ASSIGN_OR_RETURN(AttentionCall call,
                          AttentionCall::Make(data, step, settings.device, policy));
    calls.push_back(std::move(call));
  }
  return calls;
}

std::vector<PolicySamples> StartSamples(const BenchSettings& settings,
                                        const std::vector<AttentionCall>& calls) {
  std::vector<PolicySamples> samples;
  for (size_t i = 0; i < calls.size(); ++i) {
    const AttnPlan& plan = calls[i].plan();
    samples.push_back({.policy = settings.policies[i].name,
                       .num_items = plan.work.num_items,
                       .num_slots = plan.counts.num_slots,
                       .same_plan = calls[i].SamePlan(calls.back())});
  }
  return samples;
}

MixedBound StartBound(const AttnShape& shape, const BenchCase& bench_case) {
  MixedBound bound{};
  for (const SeqLengths& seq : bench_case.decodes()) bound.decode_bytes += KvBytes(shape, seq);
  for (const SeqLengths& seq : bench_case.prefills()) {
    bound.prefill_flops += AttentionFlops(shape, seq);
  }
  return bound;
}

// The ceilings behind the last round are known only now.
void FinishBound(int32_t num_threads, CaseSamples& samples) {
  MixedBound& bound = *samples.bound;
  for (size_t round = 0; round < bound.one_gflop_s.size(); ++round) {
    const double best =
        MixedStepSeconds(bound.decode_bytes, bound.prefill_flops, samples.CeilingsOf(round),
                         bound.one_read_gb_s[round], bound.one_gflop_s[round], num_threads);
    bound.seconds.push_back(best + kMixedOverheadSeconds);
  }
}

}  // namespace

double MixedStepSeconds(double decode_bytes, double prefill_flops, const Ceilings& all,
                        double one_read_gb_s, double one_gflop_s, int32_t num_threads) {
  const double work = prefill_flops / one_gflop_s + decode_bytes / one_read_gb_s;
  return std::max(decode_bytes / all.read_gb_s, work / num_threads) * 1e-9;
}

Ceilings CaseSamples::CeilingsOf(size_t round) const {
  return Mean(ceilings[round], ceilings[round + 1]);
}

AttentionBench::AttentionBench(BenchSettings settings, CeilingProbe probe)
    : settings_(std::move(settings)),
      probe_(std::move(probe)),
      one_(std::make_unique<ThreadPool>(ThreadPoolOptions{.num_threads = 1})),
      all_(std::make_unique<ThreadPool>(
          ThreadPoolOptions{.num_threads = settings_.device.num_workers})),
      pin_(std::make_unique<CallerPin>(*all_)) {}

Result<AttentionBench> AttentionBench::Make(BenchSettings settings) {
  WEIR_ASSIGN_OR_RETURN(CeilingProbe probe, CeilingProbe::Make());
  return AttentionBench(std::move(settings), std::move(probe));
}

// As many as the quickest needs, after a call that warms up and finds every slot untouched.
int32_t AttentionBench::CallsPerSample(std::vector<AttentionCall>& calls) {
  double quickest = kSampleSeconds;
  for (AttentionCall& call : calls) {
    call.Run(settings_.table, *all_);
    quickest = std::min(quickest, call.Seconds(settings_.table, *all_));
  }
  const double wanted = kSampleSeconds / std::max(quickest, kSampleSeconds / kMaxCalls);
  return static_cast<int32_t>(std::ceil(wanted));
}

// Of calls that the system left alone, where there are any.
double AttentionBench::Sample(AttentionCall& call, int32_t num_calls) {
  std::vector<double> all;
  std::vector<double> alone;
  for (int32_t i = 0; i < num_calls; ++i) {
    const int64_t before = NumPreemptions();
    all.push_back(call.Seconds(settings_.table, *all_));
    if (NumPreemptions() == before) alone.push_back(all.back());
  }
  return Median(alone.empty() ? std::move(all) : std::move(alone));
}

void AttentionBench::Round(std::vector<AttentionCall>& calls, AttentionCall* prefills,
                           CaseSamples& samples) {
  const size_t first = samples.ceilings.size();
  samples.ceilings.push_back(probe_.Measure(*all_));
  for (size_t i = 0; i < calls.size(); ++i) {
    const size_t policy = (first + i) % calls.size();
    samples.policies[policy].seconds.push_back(Sample(calls[policy], samples.calls_per_sample));
  }
  if (prefills == nullptr) return;
  MixedBound& bound = *samples.bound;
  bound.one_read_gb_s.push_back(probe_.Measure(*one_).read_gb_s);
  bound.one_gflop_s.push_back(bound.prefill_flops * 1e-9 /
                              prefills->Seconds(settings_.table, *one_));
}

Result<CaseSamples> AttentionBench::Run(const BenchShape& shape, const AttentionData& data,
                                        const BenchCase& bench_case) {
  AttentionStep step(data, bench_case.seqs);
  WEIR_ASSIGN_OR_RETURN(std::vector<AttentionCall> calls, MakeCalls(settings_, data, step));
  CaseSamples samples{.shape_name = shape.name, .shape = data.shape(), .bench_case = bench_case};
  samples.calls_per_sample = CallsPerSample(calls);
  samples.policies = StartSamples(settings_, calls);

  const bool mixed = bench_case.kind() == CaseKind::kMixed;
  AttentionStep prefill_step(data, mixed ? bench_case.prefills() : bench_case.seqs);
  DeviceProfile one_worker = settings_.device;
  one_worker.sm_count = 1;
  one_worker.num_workers = 1;
  WEIR_ASSIGN_OR_RETURN(AttentionCall prefills, AttentionCall::Make(data, prefill_step, one_worker,
                                                                    settings_.policies.back()));
  if (mixed) {
    samples.bound = StartBound(data.shape(), bench_case);
    prefills.Run(settings_.table, *one_);
  }
  for (int32_t round = 0; round < settings_.rounds; ++round) {
    Round(calls, mixed ? &prefills : nullptr, samples);
  }
  samples.ceilings.push_back(probe_.Measure(*all_));
  if (mixed) FinishBound(settings_.device.num_workers, samples);
  return samples;
}

}  // namespace weir
