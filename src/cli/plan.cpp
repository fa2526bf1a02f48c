// SPDX-License-Identifier: Apache-2.0
//
// `weir plan`: how the attention of a step would be routed and cut, on any device, without one.
#include <CLI/CLI.hpp>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <limits>
#include <memory>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/output_file.h"
#include "cli/plan_device.h"
#include "cli/plan_report.h"
#include "cli/plan_rows.h"
#include "cli/tuned_profile.h"

namespace weir {
namespace {

constexpr int64_t kDefaultItemLines = 40;
constexpr int64_t kMaxPieces = int64_t{1} << 22;  // that any policy could cut the step into

struct PlanOptions {
  std::string rows;
  AttnShape shape{.num_q_heads = 32, .num_kv_heads = 8, .head_dim = 128};  // Qwen3-8B
  std::string kv_dtype = "bf16";
  double softcap = 0;
  PlanDeviceOptions device;
  std::string policy = "all";
  std::string routing;
  std::string splits;
  int32_t max_captured_tokens = AttnPolicy().max_captured_tokens;
  bool batch_invariant = false;
  int32_t shared_prefix = 0;
  bool json = false;
  std::string svg;
  std::string items;
  const CLI::Option* items_option = nullptr;  // tells an absent option from one without a value
};

void AddStepOptions(CLI::App& command, PlanOptions& o) {
  const std::string group = "Step and model";
  command
      .add_option("--rows", o.rows,
                  "NxL: N decodes that see L tokens; NxQ+C: N prefills of Q new tokens behind C "
                  "cached; groups joined by commas; k is 1024: \"8x2500,1x512+2k\"")
      ->required()
      ->group(group);
  const auto add = [&](const char* name, int32_t& value, int32_t min, int32_t max,
                       const char* help) {
    command.add_option(name, value, help)
        ->check(CLI::Range(min, max))
        ->group(group)
        ->capture_default_str();
  };
  add("--q-heads", o.shape.num_q_heads, 1, 1024, "Query heads");
  add("--kv-heads", o.shape.num_kv_heads, 1, 1024, "KV heads, of this rank");
  add("--head-dim", o.shape.head_dim, 2, kMaxHeadDim, "Head size");
  command.add_option("--kv-dtype", o.kv_dtype, "bf16 or int8")
      ->check(CLI::IsMember({"bf16", "int8"}))
      ->group(group)
      ->capture_default_str();
  add("--window", o.shape.window, 0, kMaxPlanKvLen, "Sliding window in tokens; 0: none");
  command.add_option("--softcap", o.softcap, "Soft cap of scores; 0: none")
      ->check(CLI::NonNegativeNumber)
      ->group(group);
  command.add_flag("--sinks", o.shape.sinks, "The model has attention sinks")->group(group);
  add("--shared-prefix", o.shared_prefix, 0, kMaxPlanKvLen,
      "The first tokens of all decodes are the same pages (of 16)");
}

void AddDeviceOptions(CLI::App& command, PlanDeviceOptions& o) {
  const std::string group = "Device";
  std::string names;
  for (const std::string& name : BuiltinProfileNames()) names += (names.empty() ? "" : ", ") + name;
  command
      .add_option("--device", o.device,
                  names +
                      ", or a JSON file like those under src/attention/profiles "
                      "(default: cpu, as `weir tune` measured it where it has; h200 with --sm or "
                      "--workers)")
      ->group(group);
  const auto add = [&](const char* name, int32_t& value, const char* help) {
    command.add_option(name, value, help)->check(CLI::Range(1, kMaxPlanWorkers))->group(group);
  };
  add("--sm", o.sm, "Multiprocessors, instead of the device's");
  add("--workers", o.workers, "Resident blocks, instead of the device's");
  add("--threads", o.threads, "Threads of --device cpu (default: every usable CPU)");
}

void AddPolicyOptions(CLI::App& command, PlanOptions& o) {
  const std::string group = "Policy";
  command
      .add_option("--policy", o.policy,
                  "before, pr85, weir or all; all with one of the next two adds weir so changed")
      ->group(group)
      ->capture_default_str();
  command.add_option("--attn-routing", o.routing, "batch-paged, batch or row")->group(group);
  command.add_option("--kv-splits", o.splits, "fixed:N, batch, batch-gated or planned")
      ->group(group);
  command
      .add_option("--max-captured-tokens", o.max_captured_tokens,
                  "Largest size of a captured graph, which older policies ask for; 0: no graphs")
      ->check(CLI::Range(0, kMaxPlanTokens))
      ->group(group)
      ->capture_default_str();
  command
      .add_flag("--batch-invariant", o.batch_invariant,
                "Cut at multiples of 256 tokens, so that bits do not depend on the batch")
      ->group(group);
}

void AddOutputOptions(CLI::App& command, PlanOptions& o) {
  const std::string group = "Output";
  command.add_flag("--json", o.json, "JSON: an object, or an array with --policy all")
      ->group(group);
  command.add_option("--svg", o.svg, "Draw the workers' timeline into this file")
      ->type_name("FILE")
      ->group(group);
  o.items_option =
      command
          .add_option("--items", o.items,
                      fmt::format("Print the first N items of each plan, or all (default: {})",
                                  kDefaultItemLines))
          ->type_name("[N|all]")
          ->expected(0, 1)
          ->group(group);
}

// How much of the item table is wanted.
Result<int64_t> ItemLines(const PlanOptions& o) {
  if (o.items_option->count() == 0) return 0;
  if (o.items.empty()) return kDefaultItemLines;
  if (o.items == "all") return std::numeric_limits<int64_t>::max();
  int32_t lines = 0;
  if (!CLI::detail::lexical_cast(o.items, lines) || lines < 0) {
    return Err(Code::kInvalidArgument, "--items: found ", o.items, ", wanted a number or all");
  }
  return lines;
}

Result<AttnPolicy> NamedPolicy(const PlanOptions& o, const std::string& name) {
  WEIR_ASSIGN_OR_RETURN(AttnPolicy policy, ParseAttnPolicy(name));
  policy.max_captured_tokens = o.max_captured_tokens;
  policy.batch_invariant = o.batch_invariant;
  return policy;
}

Result<AttnPolicy> ChangedPolicy(const PlanOptions& o, AttnPolicy policy) {
  if (!o.routing.empty()) {
    WEIR_ASSIGN_OR_RETURN(policy.routing, ParseAttnRouting(o.routing));
    policy.name += ", " + o.routing;
  }
  if (!o.splits.empty()) {
    WEIR_RETURN_IF_ERROR(ParseKvSplits(o.splits, policy));
    policy.name += ", " + o.splits;
  }
  return policy;
}

Result<std::vector<AttnPolicy>> Policies(const PlanOptions& o) {
  const bool all = o.policy == "all";
  std::vector<AttnPolicy> policies;
  if (all) {
    for (const char* name : {"before", "pr85", "weir"}) {
      WEIR_ASSIGN_OR_RETURN(policies.emplace_back(), NamedPolicy(o, name));
    }
    if (o.routing.empty() && o.splits.empty()) return policies;
  }
  WEIR_ASSIGN_OR_RETURN(const AttnPolicy base, NamedPolicy(o, all ? "weir" : o.policy));
  WEIR_ASSIGN_OR_RETURN(policies.emplace_back(), ChangedPolicy(o, base));
  return policies;
}

Status CheckShape(const AttnShape& shape) {
  if (shape.num_q_heads % shape.num_kv_heads != 0) {
    return Err(Code::kInvalidArgument, "--q-heads: found ", shape.num_q_heads,
               ", wanted a multiple of the ", shape.num_kv_heads, " KV heads");
  }
  if (shape.head_dim % 2 != 0) {
    return Err(Code::kInvalidArgument, "--head-dim: found ", shape.head_dim,
               ", wanted an even number");
  }
  return Ok();
}

// Planners take their memory for the worst that their rules could do.
Status CheckSize(const PlanReport& report, const std::vector<AttnPolicy>& policies) {
  const AttnShape& shape = report.shape;
  const int32_t unit = std::min(report.device.tile_len, kSegmentLen);
  const int32_t rows_per_tile = std::max(1, report.device.q_tile_rows / shape.group());
  int64_t most = 0;
  for (const AttnPolicy& policy : policies) {
    int32_t longest = 0;
    int64_t num_seqs = 0;
    int64_t num_tiles = 0;
    for (const RowGroup& group : report.groups) {
      longest = std::max(longest, group.kv_len());
      num_seqs += group.count;
      num_tiles += int64_t{group.count} * (group.q_len / rows_per_tile + 1);
    }
    int64_t splits = policy.splits == KvSplitRule::kPlanned ? 1 : longest / unit + 2;
    if (!policy.batch_invariant) splits = std::min<int64_t>(splits, 256);
    most = std::max(most, shape.num_kv_heads * (num_seqs * (splits + 1) + num_tiles) *
                              std::max(1, shape.group() / 64));
  }
  if (most <= kMaxPieces) return Ok();
  return Err(Code::kInvalidArgument, "--rows: found a step that could be cut into ", most,
             " pieces, wanted at most ", kMaxPieces);
}

Result<PlanReport> MakeReport(PlanOptions& o) {
  o.shape.kv_dtype = o.kv_dtype == "int8" ? KvDType::kInt8 : KvDType::kBf16;
  if (!std::isfinite(o.softcap)) {
    return Err(Code::kInvalidArgument, "--softcap: found ", o.softcap, ", wanted a finite number");
  }
  o.shape.softcap = o.softcap > 0;
  WEIR_RETURN_IF_ERROR(CheckShape(o.shape));
  PlanReport report{.shape = o.shape, .shared_prefix = o.shared_prefix};
  WEIR_ASSIGN_OR_RETURN(report.groups, ParseRows(o.rows));
  o.device.tuned = DefaultProfilePath();
  WEIR_ASSIGN_OR_RETURN(report.device, ChooseDevice(o.device));
  WEIR_ASSIGN_OR_RETURN(const std::vector<AttnPolicy> policies, Policies(o));
  WEIR_RETURN_IF_ERROR(CheckSize(report, policies));
  WEIR_ASSIGN_OR_RETURN(report.step, MakeStep(report.groups, o.shared_prefix));
  for (const AttnPolicy& policy : policies) AddPolicy(policy, report);
  return report;
}

Status Plan(PlanOptions& o) {
  WEIR_ASSIGN_OR_RETURN(const int64_t item_lines, ItemLines(o));
  WEIR_ASSIGN_OR_RETURN(const PlanReport report, MakeReport(o));
  if (!o.svg.empty())
    WEIR_RETURN_IF_ERROR(WriteOutputFile("--svg", o.svg, ToSvg(MakeTimeline(report))));
  const auto print = [](std::string_view text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  };
  if (o.json) {
    WriteJson(report, o.policy == "all", print);
  } else {
    WriteText(report, item_lines, print);
  }
  if (std::fflush(stdout) == 0) return Ok();
  return Err(Code::kIo, "standard output: ", std::strerror(errno));
}

}  // namespace

void AddPlan(CLI::App& app, int& exit_code) {
  const auto options = std::make_shared<PlanOptions>();
  CLI::App* command = app.add_subcommand(
      "plan", "Show how the attention of a step is routed and cut, and how long it should take");
  AddStepOptions(*command, *options);
  AddDeviceOptions(*command, options->device);
  AddPolicyOptions(*command, *options);
  AddOutputOptions(*command, *options);
  command->callback([options, &exit_code] {
    const Status status = Plan(*options);
    if (status) return;
    fmt::print(stderr, "weir: error: {}\n", status.error().message);
    exit_code = status.error().code == Code::kInvalidArgument ? 2 : 1;
  });
}

}  // namespace weir
