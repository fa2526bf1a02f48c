// SPDX-License-Identifier: Apache-2.0
#include "server/api/stats_json.h"

namespace weir {
namespace {

Json ByClass(const std::array<int64_t, kNumRowClasses>& values) {
  Json result = Json::object();
  for (int i = 0; i < kNumRowClasses; ++i) {
    result[RowClassName(static_cast<RowClass>(i))] = values[static_cast<size_t>(i)];
  }
  return result;
}

}  // namespace

Json ToJson(const EngineInfo& info) {
  return {{"model_name", info.model_name},
          {"architecture", info.architecture},
          {"kernels", info.kernels},
          {"num_threads", info.num_threads},
          {"vocab_size", info.vocab_size},
          {"max_model_len", info.max_model_len},
          {"kv_cache_tokens", info.kv_cache_tokens},
          {"kv_cache_bytes", info.kv_cache_bytes},
          {"weight_bytes", info.weight_bytes},
          {"attn_policy", info.attn_policy},
          {"kv_cache_dtype", info.kv_cache_dtype},
          {"page_len", info.page_len},
          {"prefix_caching", info.prefix_caching},
          {"graph_mode", info.graph_mode},
          {"itl_budget_ms", info.itl_budget_ms},
          {"has_chat_template", info.has_chat_template}};
}

Json ToJson(const EngineStats& stats) {
  return {{"num_running", stats.num_running},
          {"num_waiting", stats.num_waiting},
          {"num_waiting_tokens", stats.num_waiting_tokens},
          {"num_pages", stats.num_pages},
          {"num_free_pages", stats.num_free_pages},
          {"num_cached_pages", stats.num_cached_pages},
          {"heartbeat_us", stats.heartbeat_us},
          {"idle", stats.idle},
          {"decode_step_us", stats.decode_step_us},
          {"prefill_tok_s", stats.prefill_tok_s},
          {"cost_model_error", stats.cost_model_error},
          {"cost_model_p90_error", stats.cost_model_p90_error},
          {"num_steps", stats.num_steps},
          {"num_captured_steps", stats.num_captured_steps},
          {"prompt_tokens", stats.prompt_tokens},
          {"prompt_tokens_cached", stats.prompt_tokens_cached},
          {"prompt_tokens_recomputed", stats.prompt_tokens_recomputed},
          {"generation_tokens", stats.generation_tokens},
          {"prefix_cache_queries", stats.prefix_cache_queries},
          {"prefix_cache_hits", stats.prefix_cache_hits},
          {"num_preemptions", stats.num_preemptions},
          {"num_splits", stats.num_splits},
          {"plan_seconds", stats.plan_seconds},
          {"num_seqs", ByClass(stats.num_seqs)},
          {"num_tokens", ByClass(stats.num_tokens)},
          {"step_token_edges", kStepTokenEdges},
          {"step_tokens", stats.step_tokens}};
}

}  // namespace weir
