// SPDX-License-Identifier: Apache-2.0
//
// `weir bench attention`: the policies of attention against each other, with this machine's real
// kernels. Kernels only: planning is done before.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/format.h>
#include <memory>

#include "base/clock.h"
#include "base/env.h"
#include "base/error.h"
#include "cli/bench.h"
#include "cli/bench_attention_report.h"
#include "cli/num_threads.h"
#include "cli/output_file.h"
#include "cli/tuned_profile.h"
#include "engine/attention_setup.h"

namespace weir {
namespace {

struct BenchAttentionOptions {
  std::string policy = "all";
  std::string shapes = "0.6b,8b";
  std::vector<std::string> rows;
  std::string kv_dtype = "bf16";
  bool batch_invariant = false;
  int32_t threads = 0;
  std::string device_profile;
  int32_t rounds = 15;
  bool json = false;
  std::string svg;
};

void AddStepOptions(CLI::App& command, BenchAttentionOptions& o) {
  const std::string group = "Steps and model";
  command
      .add_option("--shapes", o.shapes,
                  "Qwen3 models (0.6b, 1.7b, 4b, 8b, 14b, 32b) or query heads/KV heads/head size, "
                  "joined by commas")
      ->group(group)
      ->capture_default_str();
  command
      .add_option("--rows", o.rows,
                  "A step as `weir plan` takes it: \"8x2500,1x512+2k\"; repeatable (default: ten "
                  "steps that stand for serving)")
      ->take_all()
      ->group(group);
  command.add_option("--kv-dtype", o.kv_dtype, "bf16 or int8")
      ->check(CLI::IsMember({"bf16", "int8"}))
      ->group(group)
      ->capture_default_str();
}

void AddRunOptions(CLI::App& command, BenchAttentionOptions& o) {
  const std::string group = "Policy and machine";
  command.add_option("--policy", o.policy, "before, pr85, weir, or all against each other")
      ->check(CLI::IsMember({"all", "before", "pr85", "weir"}))
      ->group(group)
      ->capture_default_str();
  command
      .add_flag("--batch-invariant", o.batch_invariant,
                "Cut at multiples of 256 tokens, so that bits do not depend on the batch")
      ->group(group);
  command
      .add_option("--threads", o.threads,
                  "Worker threads (default: WEIR_THREADS, or every usable CPU)")
      ->check(CLI::Range(1, kMaxThreads))
      ->group(group);
  command
      .add_option("--device-profile", o.device_profile,
                  "Profile that plans are made by (default: what `weir tune` left, or built in)")
      ->type_name("FILE")
      ->group(group);
  command.add_option("--rounds", o.rounds, "Samples of each policy; intervals need at least 6")
      ->check(CLI::Range(2, 1000))
      ->group(group)
      ->capture_default_str();
}

void AddOutputOptions(CLI::App& command, BenchAttentionOptions& o) {
  const std::string group = "Output";
  command.add_flag("--json", o.json, "One JSON object with every sample")->group(group);
  command.add_option("--svg", o.svg, "Draw the ratios to weir into this file")
      ->type_name("FILE")
      ->group(group);
}

Result<std::vector<AttnPolicy>> Policies(const BenchAttentionOptions& o) {
  std::vector<AttnPolicy> policies;
  for (const char* name : {"before", "pr85", "weir"}) {
    if (o.policy != "all" && o.policy != name) continue;
    WEIR_ASSIGN_OR_RETURN(policies.emplace_back(), ParseAttnPolicy(name));
    policies.back().batch_invariant = o.batch_invariant;
  }
  return policies;
}

Result<std::vector<BenchCase>> Cases(const BenchAttentionOptions& o) {
  if (o.rows.empty()) return DefaultBenchCases();
  std::vector<BenchCase> cases;
  for (const std::string& rows : o.rows) {
    WEIR_ASSIGN_OR_RETURN(cases.emplace_back(), ParseBenchCase(rows));
  }
  return cases;
}

// The profile and what it is called in the report.
Result<DeviceProfile> Profile(const BenchAttentionOptions& o, std::string& name) {
  WEIR_ASSIGN_OR_RETURN(const int32_t threads, CountThreads(o.threads));
  name = o.device_profile;
  if (!o.device_profile.empty()) return CpuProfile(o.device_profile, threads);
  const std::string path = DefaultProfilePath();
  name = path;
  if (std::optional<DeviceProfile> tuned = FindTunedProfile(path, threads)) return *tuned;
  name = "built in";
  return DefaultCpuProfile(threads);
}

// The dot instruction is in the AVX-512 table only.
bool HasDot(const KernelTable& table, const CpuFeatures& features) {
  return std::string_view(table.name) == "cpu/avx512" && features.avx512_bf16;
}

// All cases of one head shape over the same pages.
Status RunShape(const BenchAttentionOptions& o, const BenchShape& shape,
                const std::vector<BenchCase>& cases, AttentionBench& bench, BenchReport& report) {
  WorkloadSize largest;
  for (const BenchCase& bench_case : cases) largest.Cover(bench_case.seqs);
  const AttnShape heads{.num_q_heads = shape.num_q_heads,
                        .num_kv_heads = shape.num_kv_heads,
                        .head_dim = shape.head_dim,
                        .kv_dtype = o.kv_dtype == "int8" ? KvDType::kInt8 : KvDType::kBf16};
  WEIR_ASSIGN_OR_RETURN(const AttentionData data,
                        AttentionData::Make(heads, largest, bench.pool()));
  for (const BenchCase& bench_case : cases) {
    const double begin = NowSeconds();
    WEIR_ASSIGN_OR_RETURN(report.cases.emplace_back(), bench.Run(shape, data, bench_case));
    fmt::print(stderr, "weir bench attention: {} {}: {:.1f} s\n", shape.name, bench_case.name,
               NowSeconds() - begin);
  }
  return Ok();
}

Result<BenchReport> RunAll(const BenchAttentionOptions& o) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<BenchShape> shapes, ParseBenchShapes(o.shapes));
  WEIR_ASSIGN_OR_RETURN(const std::vector<BenchCase> cases, Cases(o));
  WEIR_ASSIGN_OR_RETURN(std::vector<AttnPolicy> policies, Policies(o));
  const CpuFeatures features = DetectCpuFeatures();
  WEIR_ASSIGN_OR_RETURN(const KernelChoice kernels,
                        ChooseKernels(EnvString("WEIR_KERNELS"), features));
  BenchReport report{.table = kernels.table.name, .has_dot = HasDot(kernels.table, features)};
  WEIR_ASSIGN_OR_RETURN(DeviceProfile device, Profile(o, report.profile));
  report.num_threads = device.num_workers;
  report.batch_invariant = o.batch_invariant;
  report.rounds = o.rounds;
  WEIR_ASSIGN_OR_RETURN(AttentionBench bench, AttentionBench::Make({.table = kernels.table,
                                                                    .device = std::move(device),
                                                                    .policies = std::move(policies),
                                                                    .rounds = o.rounds}));
  for (const BenchShape& shape : shapes) {
    WEIR_RETURN_IF_ERROR(RunShape(o, shape, cases, bench, report));
  }
  return report;
}

Status BenchAttention(const BenchAttentionOptions& o) {
  if (!o.svg.empty() && o.policy != "all") {
    return Err(Code::kInvalidArgument, "--svg: found with --policy ", o.policy,
               ", wanted --policy all: it draws ratios to weir");
  }
  WEIR_ASSIGN_OR_RETURN(const BenchReport report, RunAll(o));
  if (!o.svg.empty()) WEIR_RETURN_IF_ERROR(WriteOutputFile("--svg", o.svg, RatioChart(report)));
  return PrintOut(o.json ? DumpJson(ToJson(report)) + "\n" : ToText(report));
}

}  // namespace

void AddBenchAttention(CLI::App& bench, int& exit_code) {
  const auto options = std::make_shared<BenchAttentionOptions>();
  CLI::App* command = bench.add_subcommand(
      "attention", "Time the attention policies against each other, with the real kernels");
  AddStepOptions(*command, *options);
  AddRunOptions(*command, *options);
  AddOutputOptions(*command, *options);
  command->callback([options, &exit_code] {
    const Status status = BenchAttention(*options);
    if (status) return;
    fmt::print(stderr, "weir: error: {}\n", status.error().message);
    exit_code = status.error().code == Code::kInvalidArgument ? 2 : 1;
  });
}

}  // namespace weir
