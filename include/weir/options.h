// SPDX-License-Identifier: Apache-2.0
//
// How an engine is opened.
#ifndef WEIR_OPTIONS_H_
#define WEIR_OPTIONS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace weir {

// How attention is routed and split (docs/attention.md).
struct AttentionOptions {
  std::string policy = "weir";  // "before", "pr85" or "weir"
  std::string routing;          // "batch-paged", "batch" or "row"; empty: the policy's
  std::string kv_splits;  // "fixed:N", "batch", "batch-gated" or "planned"; empty: the policy's
  bool batch_invariant = false;         // bits of a sequence do not depend on what runs beside it
  std::string kv_cache_dtype = "bf16";  // or "int8", with a scale per token and head
  std::string device_profile;           // file written by `weir tune`; empty: the built-in one
};

// What a step is filled with, and what is kept between requests (docs/scheduling.md).
struct SchedulingOptions {
  double itl_budget_ms = 0;  // predicted time that prefill may fill a step up to; 0: chosen from
                             // the measured decode step
  int32_t long_prefill_token_threshold = 0;  // longest chunk of one prompt in a step; 0: no limit
  bool prefix_caching = true;
  std::string graph_mode = "full-decode-only";  // or "none"
  std::vector<int32_t> capture_sizes;           // sequences per captured decode step, ascending;
                                                // empty: powers of two up to max_num_seqs
  std::string trace_file;                       // step and row records as JSON lines; empty: none
};

struct EngineOptions {
  std::string model;  // a Hugging Face folder, or "synth:PRESET" for random weights

  int32_t num_threads = 0;    // workers, the engine's own thread included; 0: every usable CPU
  std::string kernels;        // a kernel table's name; empty: the best that the CPU runs
  int32_t max_model_len = 0;  // tokens of prompt and output together; 0: the model's own, or as
                              // many as the KV cache holds
  int32_t max_num_seqs = 64;  // sequences that run at once
  int32_t max_num_batched_tokens = 512;  // new tokens per step, prefill and decode together
  int32_t page_len = 16;                 // tokens per KV page; a power of two from 16 to 256
  int64_t kv_cache_bytes = 0;            // 0: what max_num_seqs whole contexts need, at most
                                         // kv_cache_fraction
  double kv_cache_fraction = 0.5;  // in (0, 1], of the memory that is free once the weights are in

  std::string weight_cache_dir;  // where packed weights are kept for the next start; empty: nowhere
  bool verify_weight_cache = false;  // reads all of what was kept and compares its hash
  int64_t weight_cache_bytes = int64_t{64}
                               << 30;  // of all models; the least recently used go first

  SchedulingOptions scheduling;
  AttentionOptions attention;

  // Called while weights are packed, from the thread that opens the engine.
  std::function<void(int64_t done_bytes, int64_t total_bytes)> on_load_progress;
};

}  // namespace weir

#endif  // WEIR_OPTIONS_H_
