// SPDX-License-Identifier: Apache-2.0
#include "server/metrics/engine_metrics.h"

#include <algorithm>
#include <numeric>

namespace weir {
namespace {

double KvUsage(const EngineStats& stats) {
  if (stats.num_pages <= 0) return 0;
  return static_cast<double>(stats.num_pages - stats.num_free_pages) / stats.num_pages;
}

HistogramSnapshot StepTokens(const EngineStats& stats) {
  const int64_t sum = std::accumulate(stats.num_tokens.begin(), stats.num_tokens.end(), int64_t{0});
  return {.edges = {kStepTokenEdges.begin(), kStepTokenEdges.end()},
          .counts = {stats.step_tokens.begin(), stats.step_tokens.end()},
          .sum = static_cast<double>(sum)};
}

void WriteGauges(MetricsText& out, const EngineInfo& info, const EngineStats& stats) {
  out.Gauge("vllm:num_requests_running", "Sequences that share steps now", stats.num_running);
  out.Gauge("vllm:num_requests_waiting", "Sequences that wait for their first step or again",
            stats.num_waiting);
  out.Gauge("vllm:kv_cache_usage_perc", "Part of the KV pages in use, 0 to 1", KvUsage(stats));
  out.Family("vllm:engine_sleep_state", "gauge", "Always awake");
  out.Sample({{"sleep_state", "awake"}}, 1);
  out.Sample({{"sleep_state", "weights_offloaded"}}, 0);
  out.Sample({{"sleep_state", "discard_all"}}, 0);
  out.Family("vllm:lora_requests_info", "gauge", "There are no adapters");
  out.Sample({{"max_lora", "0"}, {"running_lora_adapters", ""}, {"waiting_lora_adapters", ""}}, 0);
  out.Family("vllm:cache_config_info", "gauge", "How the KV cache is laid out");
  out.Sample({{"block_size", std::to_string(info.page_len)},
              {"cache_dtype", info.kv_cache_dtype},
              {"enable_prefix_caching", info.prefix_caching ? "True" : "False"},
              {"num_gpu_blocks", std::to_string(stats.num_pages)}},
             1);
}

void WriteCounters(MetricsText& out, const EngineStats& stats) {
  const auto count = [&](std::string_view name, std::string_view help, int64_t value) {
    out.Count(name, help, static_cast<double>(value));
  };
  count("vllm:prompt_tokens_total", "Prompt tokens, cached or computed", stats.prompt_tokens);
  count("vllm:prompt_tokens_cached_total", "Prompt tokens found in the prefix cache",
        stats.prompt_tokens_cached);
  count("vllm:prompt_tokens_recomputed_total", "Prompt tokens computed again after preemption",
        stats.prompt_tokens_recomputed);
  out.Family("vllm:prompt_tokens_by_source_total", "counter",
             "Prompt tokens by where they are from");
  out.Sample({{"source", "local_compute"}},
             static_cast<double>(stats.prompt_tokens - stats.prompt_tokens_cached));
  out.Sample({{"source", "local_cache_hit"}}, static_cast<double>(stats.prompt_tokens_cached));
  out.Sample({{"source", "external_kv_transfer"}}, 0);
  count("vllm:generation_tokens_total", "Output tokens", stats.generation_tokens);
  count("vllm:prefix_cache_queries_total", "Tokens looked up in the prefix cache",
        stats.prefix_cache_queries);
  count("vllm:prefix_cache_hits_total", "Tokens found in the prefix cache",
        stats.prefix_cache_hits);
  count("vllm:external_prefix_cache_queries_total", "There is no external cache", 0);
  count("vllm:external_prefix_cache_hits_total", "There is no external cache", 0);
  count("vllm:num_preemptions_total", "Sequences that gave their pages back",
        stats.num_preemptions);
  out.Histo("vllm:iteration_tokens_total", "Tokens per step", StepTokens(stats));
}

void WriteLegacy(MetricsText& out, const EngineStats& stats) {
  out.Gauge("vllm:gpu_cache_usage_perc", "Deprecated name of vllm:kv_cache_usage_perc",
            KvUsage(stats));
  out.Count("vllm:gpu_prefix_cache_queries_total",
            "Deprecated name of vllm:prefix_cache_queries_total",
            static_cast<double>(stats.prefix_cache_queries));
  out.Count("vllm:gpu_prefix_cache_hits_total", "Deprecated name of vllm:prefix_cache_hits_total",
            static_cast<double>(stats.prefix_cache_hits));
  out.Gauge("vllm:num_requests_swapped", "Deprecated; nothing is swapped", 0);
}

void WriteClasses(MetricsText& out, const EngineStats& stats) {
  const auto family = [&](std::string_view name, std::string_view help, const auto& values) {
    out.Family(name, "counter", help);
    for (int i = 0; i < kNumRowClasses; ++i) {
      out.Sample({{"class", RowClassName(static_cast<RowClass>(i))}},
                 static_cast<double>(values[static_cast<size_t>(i)]));
    }
  };
  family("weir:step_sequences_total", "Sequences in steps, by how their rows were computed",
         stats.num_seqs);
  family("weir:step_tokens_total", "Tokens in steps, by how their rows were computed",
         stats.num_tokens);
}

void WriteWeir(MetricsText& out, const EngineInfo& info, const EngineStats& stats) {
  WriteClasses(out, stats);
  out.Count("weir:steps_total", "Steps", static_cast<double>(stats.num_steps));
  out.Count("weir:captured_steps_total", "Steps that ran as prepared decode steps",
            static_cast<double>(stats.num_captured_steps));
  out.Count("weir:splits_total", "Pieces that decodes' KV ranges were cut into",
            static_cast<double>(stats.num_splits));
  out.Count("weir:plan_seconds_total", "Time spent on batches and attention plans",
            stats.plan_seconds);
  out.Family("weir:cost_model_error", "gauge",
             "Recent error of predicted step times, relative, by quantile");
  out.Sample({{"quantile", "0.5"}}, stats.cost_model_error);
  out.Sample({{"quantile", "0.9"}}, stats.cost_model_p90_error);
  out.Gauge("weir:decode_step_seconds", "Recent median of steps without prefill",
            stats.decode_step_us * 1e-6);
  out.Gauge("weir:prefill_tokens_per_second", "Recent rate of prompt tokens", stats.prefill_tok_s);
  out.Gauge("weir:itl_budget_seconds", "What steps are filled up to", info.itl_budget_ms * 1e-3);
  out.Gauge("weir:waiting_tokens", "Tokens that waiting sequences still have to compute",
            static_cast<double>(stats.num_waiting_tokens));
  out.Family("weir:kv_pages", "gauge", "KV pages; cached ones may be free as well");
  out.Sample({{"state", "total"}}, stats.num_pages);
  out.Sample({{"state", "free"}}, stats.num_free_pages);
  out.Sample({{"state", "cached"}}, stats.num_cached_pages);
}

}  // namespace

void WriteEngineMetrics(MetricsText& out, const EngineInfo& info, const EngineStats& stats,
                        bool legacy_names) {
  WriteGauges(out, info, stats);
  WriteCounters(out, stats);
  if (legacy_names) WriteLegacy(out, stats);
  WriteWeir(out, info, stats);
}

}  // namespace weir
