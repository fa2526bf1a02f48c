// SPDX-License-Identifier: Apache-2.0
#include "cli/engine_flags.h"

#include <CLI/CLI.hpp>

#include "base/cpu_set.h"
#include "base/env.h"
#include "base/error.h"
#include "cli/byte_size.h"
#include "cli/default_model.h"
#include "cli/num_threads.h"
#include "cli/tuned_profile.h"

namespace weir {
namespace {

void AddModelFlags(CLI::App& command, EngineFlags& flags) {
  const std::string group = "Model and machine";
  EngineOptions& o = flags.options;
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group);
  };
  add("-m,--model", o.model,
      "Hugging Face folder, or synth:PRESET for random weights (default: the bundled weir-tiny)");
  add("--threads", o.num_threads, "Worker threads; 0: every usable CPU");
  add("--max-model-len", o.max_model_len,
      "Tokens of prompt and output together; 0: as the model and memory allow");
  add("--page-len,--block-size", o.page_len, "Tokens per KV page")->capture_default_str();
  add("--kv-cache-memory", flags.kv_cache_memory,
      "Memory for the KV cache: 512MiB, 1.5GiB; a bare number is GiB; 0: automatic");
  add("--kv-cache-fraction", o.kv_cache_fraction,
      "What automatic takes at most, of the memory that is free once the weights are in")
      ->capture_default_str();
}

void AddWeightCacheFlags(CLI::App& command, EngineFlags& flags) {
  const std::string group = "Packed weights on disk";
  EngineOptions& o = flags.options;
  command
      .add_option("--weight-cache", o.weight_cache_dir,
                  "Folder that keeps packed weights for the next start (default: "
                  "$XDG_CACHE_HOME/weir/weights or ~/.cache/weir/weights)")
      ->group(group);
  command.add_flag("--no-weight-cache", flags.no_weight_cache, "Neither use nor write them")
      ->group(group);
  command
      .add_flag("--verify-cache", o.verify_weight_cache,
                "Read all of them and compare their hash before use")
      ->group(group);
  command
      .add_option("--weight-cache-size", flags.weight_cache_size,
                  "What the folder may hold; the least recently used go first")
      ->group(group)
      ->capture_default_str();
}

std::string DefaultWeightCache() {
  const std::string cache = EnvString("XDG_CACHE_HOME");
  if (!cache.empty()) return cache + "/weir/weights";
  const std::string home = EnvString("HOME");
  return home.empty() ? std::string() : home + "/.cache/weir/weights";
}

void AddSchedulingFlags(CLI::App& command, EngineOptions& o) {
  const std::string group = "Scheduling";
  SchedulingOptions& s = o.scheduling;
  const auto add = [&](const char* name, auto& value, const char* help) {
    return command.add_option(name, value, help)->group(group);
  };
  add("--max-num-seqs", o.max_num_seqs, "Sequences that run at once")->capture_default_str();
  add("--max-num-batched-tokens", o.max_num_batched_tokens,
      "New tokens per step at most, prefill and decode together")
      ->capture_default_str();
  add("--long-prefill-token-threshold", s.long_prefill_token_threshold,
      "Longest piece of one prompt in a step, tokens; 0: no limit");
  add("--itl-budget", s.itl_budget_ms,
      "Milliseconds that a step may take when prefill fills it up; 0: from the measured decode "
      "step");
  command
      .add_flag("--enable-prefix-caching,!--no-enable-prefix-caching", s.prefix_caching,
                "Keep what was computed of prompts for others that begin alike (default: on)")
      ->group(group);
  add("--graph-mode", s.graph_mode, "none or full-decode-only: prepared decode steps")
      ->capture_default_str();
  add("--cudagraph-capture-sizes", s.capture_sizes,
      "Sequences per prepared decode step, ascending (default: powers of two)");
  add("--trace", s.trace_file, "File for step and row records as JSON lines");
}

void AddAttentionFlags(CLI::App& command, AttentionOptions& o) {
  const std::string group = "Attention";
  const auto add = [&](const char* name, std::string& value, const char* help) {
    command.add_option(name, value, help)->group(group)->capture_default_str();
  };
  add("--attn-policy", o.policy, "before, pr85 or weir: which generation routes and splits");
  add("--attn-routing", o.routing, "batch-paged, batch or row, instead of the policy's");
  add("--kv-splits", o.kv_splits,
      "fixed:N, batch, batch-gated or planned, instead of the policy's");
  command
      .add_flag("--batch-invariant", o.batch_invariant,
                "Bits of a sequence do not depend on what runs beside it")
      ->group(group);
  add("--kv-cache-dtype", o.kv_cache_dtype, "bf16 or int8");
  add("--device-profile", o.device_profile,
      "Profile that `weir tune` wrote (default: where it leaves it, or built in)");
}

// What `weir tune` measured, where it is for as many threads.
void UseTunedProfile(EngineOptions& o) {
  const std::string path = DefaultProfilePath();
  const int32_t threads = o.num_threads > 0 ? o.num_threads : FindUsableCpus().num_threads;
  if (FindTunedProfile(path, threads)) o.attention.device_profile = path;
}

}  // namespace

void AddEngineFlags(CLI::App& command, EngineFlags& flags) {
  AddModelFlags(command, flags);
  AddWeightCacheFlags(command, flags);
  AddSchedulingFlags(command, flags.options);
  AddAttentionFlags(command, flags.options.attention);
}

Result<EngineOptions> FinishEngineFlags(const EngineFlags& flags) {
  EngineOptions options = flags.options;
  if (options.model.empty()) {
    WEIR_ASSIGN_OR_RETURN(options.model, DefaultModel());
  }
  options.kernels = EnvString("WEIR_KERNELS");
  WEIR_ASSIGN_OR_RETURN(options.num_threads, AskedThreads(options.num_threads));
  if (options.attention.device_profile.empty()) UseTunedProfile(options);
  WEIR_ASSIGN_OR_RETURN(options.kv_cache_bytes,
                        ParseByteSize(flags.kv_cache_memory, "--kv-cache-memory", 1 << 30));
  if (options.weight_cache_dir.empty()) options.weight_cache_dir = DefaultWeightCache();
  if (flags.no_weight_cache) options.weight_cache_dir.clear();
  WEIR_ASSIGN_OR_RETURN(options.weight_cache_bytes,
                        ParseByteSize(flags.weight_cache_size, "--weight-cache-size", 1 << 30));
  return options;
}

}  // namespace weir
