// SPDX-License-Identifier: Apache-2.0
//
// The flags of `weir bench serve` and what they mean. Names, defaults and meaning are those of
// `vllm bench serve` (its Python tool) where it has the flag.
#ifndef WEIR_CLI_BENCH_SERVE_FLAGS_H_
#define WEIR_CLI_BENCH_SERVE_FLAGS_H_

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <weir/result.h>

#include "loadgen/serve/serve_options.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace CLI {
class App;
}

namespace weir {

struct BenchServeFlags {
  // Server
  std::string backend = "openai";
  std::string base_url;
  std::string host = "127.0.0.1";
  int32_t port = 8000;
  std::string endpoint;
  std::vector<std::string> header;
  std::string model;
  std::string served_model_name;
  std::string tokenizer;
  bool skip_tokenizer_init = false;
  std::string extra_body;
  double request_timeout_s = 6 * 3600;

  // Dataset: what is not in `workload` already
  loadgen::WorkloadOptions workload;
  std::optional<int64_t> input_len;
  std::optional<int64_t> output_len;
  bool no_oversample = false;
  bool disable_shuffle = false;
  bool skip_chat_template = false;
  std::optional<bool> self_timed;
  std::string prompt_format = "auto";

  // Traffic
  double request_rate = std::numeric_limits<double>::infinity();
  double burstiness = 1;
  std::optional<int64_t> max_concurrency;
  std::string ramp_up_strategy;
  std::optional<int64_t> ramp_up_start_rps;
  std::optional<int64_t> ramp_up_end_rps;
  int64_t num_warmups = 0;
  double ready_check_timeout_s = 0;
  int32_t num_runs = 1;
  bool profile = false;

  // Sampling
  bool ignore_eos = false;
  std::optional<int64_t> logprobs;
  std::optional<double> top_p;
  std::optional<int64_t> top_k;
  std::optional<double> min_p;
  std::optional<double> temperature;
  std::optional<double> frequency_penalty;
  std::optional<double> presence_penalty;
  std::optional<double> repetition_penalty;

  // Output
  std::string percentile_metrics = "ttft,tpot,itl";
  std::string metric_percentiles = "99";
  std::vector<std::string> goodput;
  bool save_result = false;
  bool save_detailed = false;
  bool append_result = false;
  std::vector<std::string> metadata;
  std::string result_dir;
  std::string result_filename;
  std::string label;
  std::string request_id_prefix;
  bool disable_tqdm = false;
  std::string plot;
  std::vector<std::string> compare;
};

void AddServerFlags(CLI::App& command, BenchServeFlags& flags);
void AddDatasetFlags(CLI::App& command, BenchServeFlags& flags);
void AddTrafficFlags(CLI::App& command, BenchServeFlags& flags);
void AddOutputFlags(CLI::App& command, BenchServeFlags& flags);

// What a run needs. Tokenizer and template live beside the options, which point at them.
struct BenchServeSetup {
  loadgen::ServeOptions options;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<ChatTemplate> chat_template;
};
Result<BenchServeSetup> SetUpBenchServe(const BenchServeFlags& flags);

// --base-url, or --host and --port.
Result<loadgen::Url> ServerUrl(const BenchServeFlags& flags);

// The tokenizer that `spec` names: a folder with tokenizer.json, the file itself, or a synthetic
// model's name.
Result<std::unique_ptr<Tokenizer>> LoadBenchTokenizer(const std::string& spec);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_SERVE_FLAGS_H_
