// SPDX-License-Identifier: Apache-2.0
//
// From flags to the options of a run.
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <random>

#include "base/env.h"
#include "base/error.h"
#include "base/mapped_file.h"
#include "cli/bench_serve_flags.h"
#include "loader/model_source.h"
#include "loader/tokenizer_config.h"

namespace weir {
namespace {

using loadgen::Metric;
using loadgen::ServeOptions;

constexpr size_t kMaxTokenizerBytes = size_t{64} << 20;

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<double> ParseNumber(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status ReadMetrics(const BenchServeFlags& flags, ServeOptions& options) {
  options.reported.clear();
  for (const std::string_view key : Split(flags.percentile_metrics, ',')) {
    const loadgen::MetricName* name = loadgen::FindMetric(key);
    if (name == nullptr) {
      return Err(Code::kInvalidArgument, "--percentile-metrics: found \"", key,
                 "\", wanted ttft, tpot, itl, e2el, client_queue_time or "
                 "e2el_including_client_queue");
    }
    options.reported.push_back(name->metric);
  }
  options.percentiles.clear();
  for (const std::string_view text : Split(flags.metric_percentiles, ',')) {
    const std::optional<double> percent = ParseNumber(text);
    if (!percent || !(*percent >= 0 && *percent <= 100)) {
      return Err(Code::kInvalidArgument, "--metric-percentiles: found \"", text,
                 "\", wanted 0 to 100");
    }
    options.percentiles.push_back(*percent);
  }
  return Ok();
}

Status ReadGoodput(const BenchServeFlags& flags, loadgen::Slo& slo) {
  for (const std::string_view text : flags.goodput) {
    const std::vector<std::string_view> parts = Split(text, ':');
    const std::optional<double> limit = parts.size() == 2 ? ParseNumber(parts[1]) : std::nullopt;
    const bool known = parts[0] == "ttft" || parts[0] == "tpot" || parts[0] == "e2el";
    if (!known || !limit || !(*limit >= 0)) {
      return Err(Code::kInvalidArgument, "--goodput: found \"", text,
                 "\", wanted ttft, tpot or e2el with milliseconds: ttft:200");
    }
    (parts[0] == "ttft" ? slo.ttft_ms : parts[0] == "tpot" ? slo.tpot_ms : slo.e2el_ms) = limit;
  }
  return Ok();
}

Status ReadTraffic(const BenchServeFlags& flags, ServeOptions& options) {
  options.traffic = {.request_rate = flags.request_rate, .burstiness = flags.burstiness};
  const bool has_limits = flags.ramp_up_start_rps || flags.ramp_up_end_rps;
  if (flags.ramp_up_strategy.empty() != !has_limits ||
      flags.ramp_up_start_rps.has_value() != flags.ramp_up_end_rps.has_value()) {
    return Err(Code::kInvalidArgument,
               "--ramp-up-strategy: wanted with --ramp-up-start-rps and --ramp-up-end-rps");
  }
  if (has_limits) {
    options.traffic.ramp_up =
        loadgen::RampUp{.exponential = flags.ramp_up_strategy == "exponential",
                        .start_rps = *flags.ramp_up_start_rps,
                        .end_rps = *flags.ramp_up_end_rps};
  }
  options.max_concurrency = flags.max_concurrency.value_or(0);
  return loadgen::ValidateTraffic(options.traffic);
}

Status ReadPairs(const BenchServeFlags& flags, ServeOptions& options) {
  for (const std::string& text : flags.metadata) {
    const size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return Err(Code::kInvalidArgument, "--metadata: found \"", text, "\", wanted KEY=VALUE");
    }
    options.metadata.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  WEIR_ASSIGN_OR_RETURN(options.form.headers, loadgen::ParseHeaders(flags.header));
  return Ok();
}

// Sampling parameters that were given, then the members of --extra-body.
Status ReadBody(const BenchServeFlags& flags, Json& extra) {
  const auto add = [&](const char* name, const auto& value) {
    if (value) extra[name] = *value;
  };
  add("top_p", flags.top_p);
  add("top_k", flags.top_k);
  add("min_p", flags.min_p);
  add("temperature", flags.temperature);
  add("frequency_penalty", flags.frequency_penalty);
  add("presence_penalty", flags.presence_penalty);
  add("repetition_penalty", flags.repetition_penalty);
  if (flags.extra_body.empty()) return Ok();
  WEIR_ASSIGN_OR_RETURN(const Json given,
                        ParseJson(flags.extra_body, "--extra-body", Code::kInvalidArgument));
  if (!given.is_object()) {
    return Err(Code::kInvalidArgument, "--extra-body: found ", given.type_name(),
               ", wanted a JSON object");
  }
  extra.update(given);
  return Ok();
}

void ReadLengths(const BenchServeFlags& flags, loadgen::WorkloadOptions& workload) {
  if (flags.input_len) workload.random.input = *flags.input_len;
  if (flags.input_len) workload.sonnet.input = *flags.input_len;
  if (!flags.output_len) return;
  workload.random.output = *flags.output_len;
  workload.prefix_repetition.output = *flags.output_len;
  workload.sharegpt_output = *flags.output_len;
  workload.custom_output = *flags.output_len;
  workload.sonnet.output = *flags.output_len;
}

std::string RandomPrefix() {
  std::random_device device;
  return fmt::format("bench-{:08x}-", static_cast<uint32_t>(device()));
}

Status ReadWorkload(const BenchServeFlags& flags, ServeOptions& options) {
  loadgen::WorkloadOptions& workload = options.workload = flags.workload;
  ReadLengths(flags, workload);
  workload.oversample = !flags.no_oversample;
  workload.shuffle = !flags.disable_shuffle;
  workload.id_prefix = flags.request_id_prefix.empty() ? RandomPrefix() : flags.request_id_prefix;
  const bool trace = workload.dataset == "timed_trace";
  if (flags.self_timed && !trace && workload.dataset != "burstgpt") {
    return Err(Code::kInvalidArgument, "--self-timed: found with --dataset-name ", workload.dataset,
               ", wanted timed_trace or burstgpt");
  }
  workload.self_timed = flags.self_timed.value_or(trace);
  options.form.ignore_eos = flags.ignore_eos || trace || workload.dataset == "random";
  options.prompts = flags.prompt_format == "ids"    ? loadgen::PromptForm::kTokens
                    : flags.prompt_format == "text" ? loadgen::PromptForm::kText
                                                    : loadgen::PromptForm::kAuto;
  return Ok();
}

Status ReadServer(const BenchServeFlags& flags, ServeOptions& options) {
  std::string known;
  const loadgen::Backend* backend = loadgen::FindBackend(flags.backend, &known);
  if (backend == nullptr) {
    return Err(Code::kInvalidArgument, "--backend: found \"", flags.backend, "\", wanted ", known);
  }
  options.backend = flags.backend;
  options.label = flags.label;
  WEIR_ASSIGN_OR_RETURN(options.form.server, ServerUrl(flags));
  options.form.chat = backend->chat;
  options.form.endpoint = backend->chat ? "/v1/chat/completions" : "/v1/completions";
  if (!flags.endpoint.empty()) options.form.endpoint = flags.endpoint;
  if (!options.form.endpoint.starts_with('/') ||
      options.form.endpoint.find_first_of(" \r\n\t") != std::string::npos) {
    return Err(Code::kInvalidArgument, "--endpoint: found \"", flags.endpoint,
               "\", wanted a path such as /v1/completions");
  }
  options.form.model = flags.served_model_name.empty() ? flags.model : flags.served_model_name;
  options.model_id = flags.model;
  options.form.api_key = EnvString("OPENAI_API_KEY");
  options.form.logprobs = flags.logprobs;
  return ReadBody(flags, options.form.extra);
}

// --tokenizer, or --model where that is a folder with a tokenizer.
std::string TokenizerSpec(const BenchServeFlags& flags) {
  if (flags.skip_tokenizer_init) return "";
  if (!flags.tokenizer.empty() || flags.model.empty()) return flags.tokenizer;
  std::error_code error;
  const std::filesystem::path folder(flags.model);
  return std::filesystem::exists(folder / "tokenizer.json", error) ? flags.model : "";
}

// The template of the folder, or of the synthetic model, that the tokenizer is of.
Result<ChatTemplate> LoadBenchTemplate(const std::string& spec) {
  ChatFiles files;
  if (spec.starts_with("synth:")) {
    WEIR_ASSIGN_OR_RETURN(ModelSource source, OpenModel(spec));
    files.chat_template = std::move(source.chat_template);
  } else if (!spec.empty()) {
    WEIR_ASSIGN_OR_RETURN(files, LoadChatFiles(spec));
  }
  if (files.chat_template.empty()) {
    return Err(Code::kInvalidArgument, "--tokenizer: found no chat template",
               spec.empty() ? "" : " in ", spec, ", wanted one, or --skip-chat-template");
  }
  return ChatTemplate::Parse(files.chat_template, spec, files.special_tokens);
}

// Datasets of user messages are rendered here for endpoints that take prompts; chats are rendered
// by the server.
Status SetUpTemplate(const BenchServeFlags& flags, BenchServeSetup& setup) {
  const std::string& dataset = setup.options.workload.dataset;
  const bool messages = dataset == "custom" || dataset == "sonnet";
  if (flags.skip_chat_template && !messages) {
    return Err(Code::kInvalidArgument, "--skip-chat-template: found with --dataset-name ", dataset,
               ", wanted custom or sonnet");
  }
  if (!messages || flags.skip_chat_template || setup.options.form.chat) return Ok();
  WEIR_ASSIGN_OR_RETURN(ChatTemplate loaded, LoadBenchTemplate(setup.options.tokenizer_id));
  setup.chat_template = std::make_unique<ChatTemplate>(std::move(loaded));
  setup.options.workload.render =
      [chat = setup.chat_template.get()](std::string_view text) -> Result<std::string> {
    const Json message = {{"role", "user"}, {"content", text}};
    const Json variables = {{"messages", Json::array({message})}, {"add_generation_prompt", true}};
    WEIR_ASSIGN_OR_RETURN(TypedText rendered, chat->Render(DumpJson(variables)));
    return std::move(rendered.text);
  };
  return Ok();
}

}  // namespace

Result<loadgen::Url> ServerUrl(const BenchServeFlags& flags) {
  if (!flags.base_url.empty()) return loadgen::ParseUrl(flags.base_url, "--base-url");
  const bool v6 = flags.host.find(':') != std::string::npos;
  const std::string host = v6 ? "[" + flags.host + "]" : flags.host;
  return loadgen::ParseUrl(fmt::format("http://{}:{}", host, flags.port), "--host");
}

Result<std::unique_ptr<Tokenizer>> LoadBenchTokenizer(const std::string& spec) {
  std::string json;
  std::error_code error;
  if (spec.starts_with("synth:")) {
    WEIR_ASSIGN_OR_RETURN(ModelSource source, OpenModel(spec));
    json = std::move(source.tokenizer_json);
  } else {
    std::filesystem::path path(spec);
    if (std::filesystem::is_directory(path, error)) path /= "tokenizer.json";
    WEIR_ASSIGN_OR_RETURN(json, ReadFile(path.string(), kMaxTokenizerBytes));
  }
  WEIR_ASSIGN_OR_RETURN(Tokenizer tokenizer, Tokenizer::FromJson(json, spec));
  return std::make_unique<Tokenizer>(std::move(tokenizer));
}

Result<BenchServeSetup> SetUpBenchServe(const BenchServeFlags& flags) {
  BenchServeSetup setup;
  ServeOptions& options = setup.options;
  WEIR_RETURN_IF_ERROR(ReadServer(flags, options));
  WEIR_RETURN_IF_ERROR(ReadWorkload(flags, options));
  WEIR_RETURN_IF_ERROR(ReadTraffic(flags, options));
  WEIR_RETURN_IF_ERROR(ReadMetrics(flags, options));
  WEIR_RETURN_IF_ERROR(ReadGoodput(flags, options.metrics.slo));
  WEIR_RETURN_IF_ERROR(ReadPairs(flags, options));
  options.num_warmups = flags.num_warmups;
  options.ready_check_s = flags.ready_check_timeout_s;
  options.request_timeout_s = flags.request_timeout_s;
  options.profile = flags.profile;
  options.keep_texts = flags.save_detailed;
  options.tokenizer_id = TokenizerSpec(flags);
  WEIR_RETURN_IF_ERROR(SetUpTemplate(flags, setup));
  if (options.tokenizer_id.empty()) return setup;
  WEIR_ASSIGN_OR_RETURN(setup.tokenizer, LoadBenchTokenizer(options.tokenizer_id));
  options.workload.tokenizer = setup.tokenizer.get();
  options.metrics.count_tokens = [tokenizer = setup.tokenizer.get()](std::string_view text) {
    return static_cast<int64_t>(tokenizer->Encode(text).size());
  };
  return setup;
}

}  // namespace weir
