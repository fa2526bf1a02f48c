// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_serve_flags.h"

#include <CLI/CLI.hpp>

namespace weir {

void AddServerFlags(CLI::App& command, BenchServeFlags& f) {
  const std::string group = "Server";
  std::string backends;
  loadgen::FindBackend("", &backends);
  command.add_option("--backend", f.backend, "Kind of server and endpoint: " + backends)
      ->group(group)
      ->capture_default_str();
  command.add_option("--base-url", f.base_url, "http://HOST:PORT, instead of --host and --port")
      ->type_name("URL")
      ->group(group);
  command.add_option("--host", f.host, "Name or address")->group(group)->capture_default_str();
  command.add_option("--port", f.port, "TCP port")
      ->check(CLI::Range(1, 65535))
      ->group(group)
      ->capture_default_str();
  command
      .add_option("--endpoint", f.endpoint,
                  "Path (default: /v1/completions, or /v1/chat/completions for chat backends)")
      ->group(group);
  command.add_option("--header", f.header, "Headers of every request: NAME=VALUE ...")
      ->expected(1, -1)
      ->group(group);
  command.add_option("--model", f.model, "Model (default: the first that the server lists)")
      ->group(group);
  command.add_option("--served-model-name", f.served_model_name, "What the API calls the model")
      ->group(group);
  command
      .add_option("--tokenizer", f.tokenizer,
                  "Folder with tokenizer.json (default: --model, when it is one)")
      ->group(group);
  command.add_flag("--skip-tokenizer-init", f.skip_tokenizer_init, "Use no tokenizer")
      ->group(group);
  command
      .add_option("--extra-body", f.extra_body, "JSON object whose members are added to every body")
      ->type_name("JSON")
      ->group(group);
  command.add_option("--request-timeout-sec", f.request_timeout_s, "Longest time of one request")
      ->check(CLI::PositiveNumber)
      ->group(group)
      ->capture_default_str();
}

void AddDatasetFlags(CLI::App& command, BenchServeFlags& f) {
  const std::string group = "Dataset";
  loadgen::WorkloadOptions& w = f.workload;
  const auto add = [&](const std::string& name, auto& value, const std::string& help) {
    return command.add_option(name, value, help)->group(group);
  };
  add("--dataset-name", w.dataset,
      "random, prefix_repetition, sharegpt, sonnet, custom, burstgpt or timed_trace")
      ->capture_default_str();
  add("--dataset-path", w.path, "Its file")->type_name("FILE");
  add("--num-prompts", w.num_requests, "Requests")->capture_default_str();
  add("--seed", w.seed, "Of lengths, prompts, order and arrivals")->capture_default_str();
  add("--input-len", f.input_len, "The dataset's own input length");
  add("--output-len", f.output_len, "The dataset's own output length");
  add("--prompt-format", f.prompt_format,
      "How made-up prompts are sent: auto (token ids where the server takes them), ids, text")
      ->check(CLI::IsMember({"auto", "ids", "text"}))
      ->capture_default_str();
  add("--random-input-len", w.random.input, "Tokens")->capture_default_str();
  add("--random-output-len", w.random.output, "Tokens")->capture_default_str();
  add("--random-range-ratio", w.random.range_ratio,
      "r in [0, 1): lengths are uniform in [L (1 - r), L (1 + r)]")
      ->capture_default_str();
  add("--random-prefix-len", w.random.prefix, "Tokens that all prompts share, besides the input")
      ->capture_default_str();
  add("--prefix-repetition-prefix-len", w.prefix_repetition.prefix, "Tokens")
      ->capture_default_str();
  add("--prefix-repetition-suffix-len", w.prefix_repetition.suffix, "Tokens")
      ->capture_default_str();
  add("--prefix-repetition-num-prefixes", w.prefix_repetition.num_prefixes, "Prefixes")
      ->capture_default_str();
  add("--prefix-repetition-output-len", w.prefix_repetition.output, "Tokens")
      ->capture_default_str();
  add("--sharegpt-output-len", w.sharegpt_output, "Instead of the recorded answer's length");
  add("--custom-output-len", w.custom_output, "Tokens; -1: \"output_tokens\" of every line")
      ->capture_default_str();
  add("--sonnet-input-len", w.sonnet.input, "Tokens")->capture_default_str();
  add("--sonnet-output-len", w.sonnet.output, "Tokens")->capture_default_str();
  add("--sonnet-prefix-len", w.sonnet.prefix, "Tokens")->capture_default_str();
  add("--timed-trace-chunk-hash-size", w.timed_trace.chunk_tokens, "Tokens per id of the trace")
      ->capture_default_str();
  add("--timed-trace-sec-multiplier", w.timed_trace.seconds_per_unit, "Seconds per unit of time")
      ->capture_default_str();
  add("--timed-trace-label-timestamp", w.timed_trace.timestamp, "Field")->capture_default_str();
  add("--timed-trace-label-input-length", w.timed_trace.input_length, "Field")
      ->capture_default_str();
  add("--timed-trace-label-output-length", w.timed_trace.output_length, "Field")
      ->capture_default_str();
  add("--timed-trace-label-hash-ids", w.timed_trace.hash_ids, "Field")->capture_default_str();
  command
      .add_flag_function(
          "--self-timed,!--no-self-timed", [&f](int64_t count) { f.self_timed = count > 0; },
          "Use the trace's own times (default for timed_trace)")
      ->group(group);
  command.add_flag("--no-oversample", f.no_oversample, "Do not repeat samples of short files")
      ->group(group);
  command.add_flag("--disable-shuffle", f.disable_shuffle, "Keep the file's order")->group(group);
  command.add_flag("--skip-chat-template", f.skip_chat_template, "Send prompts as they are")
      ->group(group);
}

void AddTrafficFlags(CLI::App& command, BenchServeFlags& f) {
  std::string group = "Traffic";
  const auto add = [&](const std::string& name, auto& value, const std::string& help) {
    return command.add_option(name, value, help)->group(group);
  };
  add("--request-rate", f.request_rate, "Requests per second; inf: all at once")
      ->capture_default_str();
  add("--burstiness", f.burstiness, "Shape of the gaps' Gamma distribution; 1: Poisson; inf: equal")
      ->capture_default_str();
  add("--max-concurrency", f.max_concurrency, "Requests in flight at most")
      ->check(CLI::PositiveNumber);
  add("--ramp-up-strategy", f.ramp_up_strategy, "linear or exponential, instead of --request-rate")
      ->check(CLI::IsMember({"linear", "exponential"}));
  add("--ramp-up-start-rps", f.ramp_up_start_rps, "Requests per second at the beginning");
  add("--ramp-up-end-rps", f.ramp_up_end_rps, "Requests per second at the end");
  add("--num-warmups", f.num_warmups, "Requests before the run")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add("--ready-check-timeout-sec", f.ready_check_timeout_s,
      "Wait so long for the server and for a first answer; 0: no test request")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  add("--num-runs", f.num_runs, "Runs, with prompts of seed, seed + 1, ...")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command.add_flag("--profile", f.profile, "Call /start_profile and /stop_profile")->group(group);
  group = "Sampling";
  command
      .add_flag("--ignore-eos", f.ignore_eos,
                "Ask for exactly the output length (always for random and timed_trace)")
      ->group(group);
  add("--logprobs", f.logprobs, "Log-probabilities per token");
  add("--temperature", f.temperature, "Default: the server's");
  add("--top-p", f.top_p, "Default: the server's");
  add("--top-k", f.top_k, "Default: the server's");
  add("--min-p", f.min_p, "Default: the server's");
  add("--frequency-penalty", f.frequency_penalty, "Default: the server's");
  add("--presence-penalty", f.presence_penalty, "Default: the server's");
  add("--repetition-penalty", f.repetition_penalty, "Default: the server's");
}

void AddOutputFlags(CLI::App& command, BenchServeFlags& f) {
  const std::string group = "Output";
  const auto add = [&](const std::string& name, auto& value, const std::string& help) {
    return command.add_option(name, value, help)->group(group);
  };
  const auto add_flag = [&](const std::string& name, bool& value, const std::string& help) {
    command.add_flag(name, value, help)->group(group);
  };
  add("--percentile-metrics", f.percentile_metrics,
      "Of ttft, tpot, itl, e2el, client_queue_time, e2el_including_client_queue")
      ->capture_default_str();
  add("--metric-percentiles", f.metric_percentiles, "Joined by commas")->capture_default_str();
  add("--goodput", f.goodput, "Limits in ms: ttft:200 tpot:50 e2el:5000")->expected(1, -1);
  add_flag("--save-result", f.save_result, "Write the figures into a JSON file");
  add_flag("--save-detailed", f.save_detailed, "With what was observed of every request");
  add_flag("--append-result", f.append_result, "Add them to the file as another line");
  add("--metadata", f.metadata, "KEY=VALUE ... added to the JSON")->expected(1, -1);
  add("--result-dir", f.result_dir, "Folder of the file");
  add("--result-filename", f.result_filename, "Its name");
  add("--label", f.label, "First part of the name (default: --backend)");
  add("--request-id-prefix", f.request_id_prefix, "Of x-request-id (default: bench- and 8 digits)");
  add_flag("--disable-tqdm", f.disable_tqdm, "No progress bar");
  add("--plot", f.plot, "Draw the run into this HTML file")->type_name("FILE");
  add("--compare", f.compare, "Compare result files, the first being the base; sends nothing")
      ->expected(2, -1)
      ->type_name("FILE");
}

}  // namespace weir
