// SPDX-License-Identifier: Apache-2.0
#include "loadgen/serve/serve.h"

#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "loadgen/client/fetch.h"
#include "loadgen/report/python_text.h"

namespace weir::loadgen {
namespace {

constexpr double kAskSeconds = 30;   // for what is asked beside the load
constexpr double kRetrySeconds = 5;  // between attempts while the server is not ready
constexpr double kLookSeconds = 0.1;

// Lets time pass; answers to nobody.
class Nobody : public NetworkHandler {
 public:
  void OnBytes(ConnectionId, double, std::string_view) override {}
  void OnEnd(ConnectionId, double, std::string_view) override {}
};

class Serving {
 public:
  Serving(const ServeOptions& options, Network& network, const ServeHooks& hooks)
      : options_(options), network_(network), hooks_(hooks), form_(options.form) {}

  Result<ServeResult> Go();

 private:
  template <class... Args>
  void Say(fmt::format_string<Args...> format, Args&&... args) {
    if (hooks_.say) hooks_.say(fmt::format(format, std::forward<Args>(args)...));
  }
  bool Interrupted() const { return hooks_.interrupted && hooks_.interrupted(); }

  Result<HttpAnswer> Ask(std::string_view method, std::string_view path, std::string_view body);
  Status WaitForServer();
  Status Pause(double seconds);
  Status FindModel();
  Result<bool> TakesTokens();
  Status ChoosePrompts();
  Status MakeRequests();
  Status TestRun();
  void WarmUp();
  void SayTraffic();
  void Profile(std::string_view path, std::string_view what);
  std::optional<ServerMetrics> Scrape();
  LoadOptions Load() const;
  void Evaluate(const std::optional<ServerMetrics>& before);
  void Note();

  const ServeOptions& options_;
  Network& network_;
  const ServeHooks& hooks_;
  RequestForm form_;
  Workload workload_;
  std::vector<LoadRequest> requests_;
  ServeResult result_;
};

Result<HttpAnswer> Serving::Ask(std::string_view method, std::string_view path,
                                std::string_view body) {
  Headers headers = {{"Content-Type", "application/json"}};
  if (!form_.api_key.empty()) headers.emplace_back("Authorization", "Bearer " + form_.api_key);
  headers.insert(headers.end(), form_.headers.begin(), form_.headers.end());
  return Fetch(network_, RequestText(form_.server, method, path, headers, body), kAskSeconds);
}

Status Serving::Pause(double seconds) {
  Nobody nobody;
  const double until_s = network_.Now() + seconds;
  while (network_.Now() < until_s) {
    if (Interrupted()) return Err(Code::kUnavailable, "interrupted");
    network_.Wait(std::min(until_s, network_.Now() + kLookSeconds), nobody);
  }
  return Ok();
}

// Any answer shows a server; with a ready check it may take its time.
Status Serving::WaitForServer() {
  const double until_s = network_.Now() + options_.ready_check_s;
  while (true) {
    const Result<HttpAnswer> answer = Ask("GET", "/v1/models", "");
    if (answer && answer->status != 503) return Ok();
    const std::string error =
        answer ? fmt::format("HTTP {} {}", answer->status, answer->reason) : answer.error().message;
    if (network_.Now() + kRetrySeconds > until_s) {
      return Err(Code::kUnavailable, "http://", form_.server.Authority(), form_.server.path,
                 "/v1/models: ", error, ", wanted a server that is ready");
    }
    Say("Waiting for the server: {}", error);
    WEIR_RETURN_IF_ERROR(Pause(kRetrySeconds));
  }
}

Status Serving::FindModel() {
  if (form_.model.empty()) {
    Say("Model not specified, fetching first model from server...");
    WEIR_ASSIGN_OR_RETURN(form_.model, FirstModel(form_, network_));
    Say("First model name: {}, first model id: {}", form_.model, form_.model);
  }
  result_.model_id = options_.model_id.empty() ? form_.model : options_.model_id;
  return Ok();
}

// One token in, one token out.
Result<bool> Serving::TakesTokens() {
  Json body = {{"model", form_.model},
               {"prompt", Json::array({300})},
               {"max_tokens", 1},
               {"temperature", 0}};
  WEIR_ASSIGN_OR_RETURN(const HttpAnswer answer, Ask("POST", form_.endpoint, DumpJson(body)));
  if (answer.status == 200) return true;
  if (answer.status == 404 || answer.status == 401 || answer.status == 403) {
    return Err(Code::kInvalidArgument, "http://", form_.server.Authority(), form_.server.path,
               form_.endpoint, ": HTTP ", answer.status, " ", answer.reason, " ",
               answer.body.substr(0, 300));
  }
  result_.notes.push_back(
      fmt::format("the server does not take prompts as token ids (HTTP {}): they are sent as text",
                  answer.status));
  return false;
}

Status Serving::ChoosePrompts() {
  const std::string& dataset = options_.workload.dataset;
  const bool made_up = dataset == "random" || dataset == "prefix_repetition" ||
                       dataset == "burstgpt" || dataset == "timed_trace";
  result_.prompts_as_tokens = made_up && !form_.chat && options_.prompts != PromptForm::kText;
  if (made_up && form_.chat && options_.prompts == PromptForm::kTokens) {
    return Err(Code::kInvalidArgument,
               "--prompt-format: found ids with a chat backend, wanted text: chats are text");
  }
  if (result_.prompts_as_tokens && options_.prompts == PromptForm::kAuto) {
    WEIR_ASSIGN_OR_RETURN(result_.prompts_as_tokens, TakesTokens());
  }
  return Ok();
}

Status Serving::MakeRequests() {
  WorkloadOptions wanted = options_.workload;
  wanted.as_tokens = result_.prompts_as_tokens;
  WEIR_ASSIGN_OR_RETURN(workload_, MakeWorkload(wanted));
  if (wanted.tokenizer == nullptr && result_.prompts_as_tokens) {
    result_.notes.push_back(
        "no --tokenizer: prompts are made of token ids that every byte-level BPE has");
  }
  for (const std::string& note : workload_.notes) result_.notes.push_back(note);
  const auto count = static_cast<int64_t>(workload_.requests.size());
  result_.num_prompts = count;
  WEIR_ASSIGN_OR_RETURN(const Arrivals arrivals,
                        DrawArrivals(options_.traffic, count, wanted.seed));
  for (size_t i = 0; i < workload_.requests.size(); ++i) {
    const WorkloadRequest& request = workload_.requests[i];
    requests_.push_back({.at_s = request.at_s.value_or(arrivals.at_s[i]),
                         .wire = WireOf(form_, request),
                         .prompt_tokens = request.prompt_tokens});
  }
  return Ok();
}

LoadOptions Serving::Load() const {
  return {.max_concurrency = options_.max_concurrency,
          .timeout_s = options_.request_timeout_s,
          .keep_texts = options_.keep_texts || options_.metrics.count_tokens != nullptr,
          .interrupted = hooks_.interrupted,
          .progress = nullptr};
}

Status Serving::TestRun() {
  if (options_.ready_check_s <= 0) {
    Say("Skipping endpoint ready check.");
    return Ok();
  }
  Say("Starting initial single prompt test run...");
  LoadRequest test = requests_[0];
  test.at_s = 0;
  const double until_s = network_.Now() + options_.ready_check_s;
  while (true) {
    const LoadResult tried = RunLoad({&test, 1}, Load(), network_);
    if (tried.interrupted) return Err(Code::kUnavailable, "interrupted");
    if (tried.outcomes[0].completed()) break;
    if (network_.Now() + kRetrySeconds > until_s) {
      return Err(Code::kUnavailable,
                 "Initial test run failed - Please make sure benchmark arguments are correctly "
                 "specified. Error: ",
                 tried.outcomes[0].error);
    }
    WEIR_RETURN_IF_ERROR(Pause(kRetrySeconds));
  }
  Say("Initial test run completed.");
  return Ok();
}

void Serving::WarmUp() {
  if (options_.num_warmups <= 0) return;
  Say("Warming up with {} requests...", options_.num_warmups);
  LoadRequest first = requests_[0];
  first.at_s = 0;
  const std::vector<LoadRequest> warmups(static_cast<size_t>(options_.num_warmups), first);
  int64_t failed = 0;
  for (const RequestOutcome& outcome : RunLoad(warmups, Load(), network_).outcomes) {
    failed += outcome.failed();
  }
  if (failed > 0) result_.notes.push_back(fmt::format("{} warm-up requests failed", failed));
  Say("Warmup run completed.");
}

void Serving::SayTraffic() {
  Say("Starting main benchmark run...");
  const Traffic& traffic = options_.traffic;
  if (options_.workload.self_timed) {
    Say("Self timing is set, using the timestamps from the trace file.");
    return;
  }
  if (traffic.ramp_up) {
    Say("Traffic ramp-up strategy: {}.", traffic.ramp_up->exponential ? "exponential" : "linear");
    Say("Will increase RPS from {} to {} RPS over the duration of the benchmark.",
        traffic.ramp_up->start_rps, traffic.ramp_up->end_rps);
  } else {
    Say("Traffic request rate: {}", PythonFloat(traffic.request_rate));
  }
  Say("Burstiness factor: {} ({})", PythonFloat(traffic.burstiness),
      traffic.burstiness == 1 ? "Poisson process" : "Gamma distribution");
  Say("Maximum request concurrency: {}",
      options_.max_concurrency > 0 ? fmt::format("{}", options_.max_concurrency) : "None");
}

void Serving::Profile(std::string_view path, std::string_view what) {
  if (!options_.profile) return;
  const Result<HttpAnswer> answer = Ask("POST", path, "{}");
  if (answer && answer->status == 200) {
    Say("Profiler {}", what);
  } else {
    result_.notes.push_back(fmt::format("{}: the server did not take it", path));
  }
}

std::optional<ServerMetrics> Serving::Scrape() {
  const Result<HttpAnswer> answer = Ask("GET", "/metrics", "");
  if (!answer || answer->status != 200) return std::nullopt;
  return ReadServerMetrics(answer->body);
}

void Serving::Evaluate(const std::optional<ServerMetrics>& before) {
  result_.metrics =
      ComputeMetrics(result_.load.outcomes, result_.load.duration_s, options_.metrics);
  result_.steady = FindSteadyState(result_.load.outcomes, result_.metrics.output_lens);
  if (!before) return;
  const std::optional<ServerMetrics> after = Scrape();
  if (!after) return;
  result_.cross_check = CrossCheck(*before, *after, result_.metrics);
  result_.spec_decode = SpecDecodeBetween(*before, *after);
}

void Serving::Note() {
  const Metrics& metrics = result_.metrics;
  const ClientHealth& health = result_.load.health;
  if (metrics.num_uncounted > 0) {
    result_.notes.push_back(fmt::format(
        "the server did not tell the length of {} answers: {}", metrics.num_uncounted,
        options_.metrics.count_tokens ? "their texts were counted again with the tokenizer"
                                      : "their chunks were counted, wanted --tokenizer"));
  }
  int64_t empty_first = 0;
  for (const RequestOutcome& outcome : result_.load.outcomes) {
    empty_first += outcome.completed() && outcome.text_at_s.value_or(0) != outcome.ttft_s;
  }
  if (empty_first > 0) {
    result_.notes.push_back(
        fmt::format("{} answers began with a chunk without text, which counts as the first token",
                    empty_first));
  }
  if (metrics.completed == 0) {
    result_.notes.push_back("no request completed: see the errors, and the options");
  }
  if (health.saturated()) {
    result_.notes.push_back(fmt::format(
        "the client itself was busy ({:.0f} % of a CPU, {:.1f} % of reads late, requests up to "
        "{:.1f} ms late): figures may show it and not the server",
        100 * health.cpu_share, 100 * health.late_share, 1000 * health.max_send_lag_s));
  }
}

Result<ServeResult> Serving::Go() {
  WEIR_RETURN_IF_ERROR(ValidateTraffic(options_.traffic));
  WEIR_RETURN_IF_ERROR(WaitForServer());
  WEIR_RETURN_IF_ERROR(FindModel());
  WEIR_RETURN_IF_ERROR(ChoosePrompts());
  WEIR_RETURN_IF_ERROR(MakeRequests());
  WEIR_RETURN_IF_ERROR(TestRun());
  WarmUp();
  Profile("/start_profile", "started");
  SayTraffic();
  const std::optional<ServerMetrics> before = Scrape();
  LoadOptions load = Load();
  load.progress = hooks_.progress;
  result_.load = RunLoad(requests_, load, network_);
  Profile("/stop_profile", "stopped");
  Evaluate(before);
  Note();
  return std::move(result_);
}

}  // namespace

Result<std::string> FirstModel(const RequestForm& form, Network& network) {
  Headers headers = form.headers;
  if (!form.api_key.empty()) headers.emplace_back("Authorization", "Bearer " + form.api_key);
  const std::string where = form.server.path + "/v1/models";
  WEIR_ASSIGN_OR_RETURN(
      const HttpAnswer answer,
      Fetch(network, RequestText(form.server, "GET", "/v1/models", headers, ""), kAskSeconds));
  if (answer.status != 200) {
    return Err(Code::kUnavailable, where, ": HTTP ", answer.status, " ", answer.reason,
               ", wanted a list of models, or --model");
  }
  WEIR_ASSIGN_OR_RETURN(const Json list, ParseJson(answer.body, where, Code::kInvalidArgument));
  const auto data = list.is_object() ? list.find("data") : list.end();
  if (list.is_object() && data != list.end() && data->is_array() && !data->empty() &&
      (*data)[0].is_object() && (*data)[0].contains("id") && (*data)[0]["id"].is_string()) {
    return (*data)[0]["id"].get<std::string>();
  }
  return Err(Code::kUnavailable, where, ": found no model, wanted one, or --model");
}

Result<ServeResult> RunServe(const ServeOptions& options, Network& network,
                             const ServeHooks& hooks) {
  return Serving(options, network, hooks).Go();
}

}  // namespace weir::loadgen
