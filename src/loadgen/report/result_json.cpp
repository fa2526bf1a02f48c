// SPDX-License-Identifier: Apache-2.0
#include "loadgen/report/result_json.h"

#include <cmath>
#include <fmt/format.h>

#include "loadgen/report/python_text.h"

namespace weir::loadgen {
namespace {

Json Rate(double rate) { return std::isinf(rate) ? Json("inf") : Json(rate); }

void AddSetup(const ServeOptions& options, const ServeResult& result, const std::string& date,
              Json& json) {
  json["date"] = date;
  json["endpoint_type"] = options.backend;
  json["backend"] = options.backend;
  json["label"] = options.label.empty() ? Json(nullptr) : Json(options.label);
  json["model_id"] = result.model_id;
  json["tokenizer_id"] = options.tokenizer_id.empty() ? Json(nullptr) : Json(options.tokenizer_id);
  json["num_prompts"] = options.workload.num_requests;
  for (const auto& [key, value] : options.metadata) json[key] = value;
  json["request_rate"] = Rate(options.traffic.request_rate);
  json["burstiness"] = Rate(options.traffic.burstiness);
  json["max_concurrency"] =
      options.max_concurrency > 0 ? Json(options.max_concurrency) : Json(nullptr);
  if (const auto& ramp_up = options.traffic.ramp_up) {
    json["ramp_up_strategy"] = ramp_up->exponential ? "exponential" : "linear";
    json["ramp_up_start_rps"] = ramp_up->start_rps;
    json["ramp_up_end_rps"] = ramp_up->end_rps;
  }
}

void AddTotals(const Metrics& metrics, Json& json) {
  json["duration"] = metrics.duration_s;
  json["completed"] = metrics.completed;
  json["failed"] = metrics.failed;
  json["total_input_tokens"] = metrics.total_input;
  json["total_output_tokens"] = metrics.total_output;
  json["request_throughput"] = metrics.request_throughput;
  json["request_goodput"] =
      metrics.request_goodput ? Json(*metrics.request_goodput) : Json(nullptr);
  json["output_throughput"] = metrics.output_throughput;
  json["total_token_throughput"] = metrics.total_token_throughput;
}

template <class Get>
Json PerRequest(const ServeResult& result, Get get) {
  Json values = Json::array();
  for (const RequestOutcome& outcome : result.load.outcomes) values.push_back(get(outcome));
  return values;
}

void AddRequests(const ServeResult& result, bool detailed, Json& json) {
  using Outcome = RequestOutcome;
  if (detailed) {
    json["input_lens"] = PerRequest(result, [](const Outcome& o) { return o.prompt_tokens; });
    json["output_lens"] = result.metrics.output_lens;
    json["ttfts"] = PerRequest(result, [](const Outcome& o) { return o.ttft_s; });
    json["itls"] = PerRequest(result, [](const Outcome& o) { return o.itls_s; });
  }
  json["latencies"] = PerRequest(result, [](const Outcome& o) { return o.latency_s; });
  if (detailed) {
    json["start_times"] = PerRequest(result, [](const Outcome& o) { return o.start_s; });
  }
  json["queue_times"] = PerRequest(result, [](const Outcome& o) { return o.queue_s; });
  if (detailed) {
    json["generated_texts"] = PerRequest(result, [](const Outcome& o) { return o.text; });
    json["errors"] = PerRequest(result, [](const Outcome& o) { return o.error; });
  }
}

void AddSummary(const std::string& key, const Distribution& seconds,
                const std::vector<double>& percentiles, Json& json) {
  json[fmt::format("mean_{}_ms", key)] = 1000 * seconds.mean();
  json[fmt::format("median_{}_ms", key)] = 1000 * seconds.median();
  json[fmt::format("std_{}_ms", key)] = 1000 * seconds.std();
  for (const double percent : percentiles) {
    json[fmt::format("p{}_{}_ms", PercentName(percent), key)] = 1000 * seconds.Percentile(percent);
  }
}

void AddSpecDecode(const SpecDecode& spec, Json& json) {
  json["spec_decode_acceptance_rate"] = spec.acceptance_rate;
  json["spec_decode_acceptance_length"] = spec.acceptance_length;
  json["spec_decode_num_drafts"] = spec.num_drafts;
  json["spec_decode_draft_tokens"] = spec.draft_tokens;
  json["spec_decode_accepted_tokens"] = spec.accepted_tokens;
  json["spec_decode_per_position_acceptance_rates"] = spec.per_position;
}

Json SteadyJson(const ServeOptions& options, const SteadyState& steady, double begin_s) {
  Json json = {{"begin", steady.begin_s - begin_s},
               {"end", steady.end_s - begin_s},
               {"concurrency", steady.concurrency},
               {"completed", steady.num_ended},
               {"request_throughput", steady.request_throughput},
               {"output_throughput", steady.output_throughput}};
  AddSummary("ttft", steady.ttft_s, options.percentiles, json);
  AddSummary("tpot", steady.tpot_s, options.percentiles, json);
  AddSummary("itl", steady.itl_s, options.percentiles, json);
  return json;
}

Json OwnJson(const ServeOptions& options, const ServeResult& result,
             const ResultJsonOptions& json_options) {
  const ClientHealth& health = result.load.health;
  Json json = {{"run", json_options.run},
               {"num_runs", json_options.num_runs},
               {"seed", options.workload.seed},
               {"dataset", options.workload.dataset},
               {"prompts_as_tokens", result.prompts_as_tokens},
               {"interrupted", result.load.interrupted},
               {"client",
                {{"cpu_share", health.cpu_share},
                 {"max_busy_ms", 1000 * health.max_busy_s},
                 {"late_share", health.late_share},
                 {"max_send_lag_ms", 1000 * health.max_send_lag_s},
                 {"saturated", health.saturated()}}}};
  json["steady_state"] = nullptr;
  if (result.steady) {
    json["steady_state"] = SteadyJson(options, *result.steady, result.load.begin_s);
  }
  json["cross_check"] = Json::array();
  for (const CheckRow& row : result.cross_check) {
    json["cross_check"].push_back({{"what", row.what},
                                   {"client", row.client},
                                   {"server", row.server},
                                   {"difference", row.difference()}});
  }
  json["notes"] = result.notes;
  return json;
}

}  // namespace

Json ResultJson(const ServeOptions& options, const ServeResult& result,
                const ResultJsonOptions& json_options) {
  Json json = Json::object();
  AddSetup(options, result, json_options.date, json);
  AddTotals(result.metrics, json);
  AddRequests(result, json_options.detailed, json);
  json["max_output_tokens_per_s"] = result.metrics.max_output_tokens_per_s;
  json["max_concurrent_requests"] = result.metrics.max_concurrent_requests;
  json["rtfx"] = 0.0;
  if (result.spec_decode) AddSpecDecode(*result.spec_decode, json);
  for (const MetricName& name : MetricNames()) {
    if (!IsReported(options, name.metric)) continue;
    AddSummary(name.key, result.metrics.of(name.metric), options.percentiles, json);
  }
  json["weir"] = OwnJson(options, result, json_options);
  return json;
}

std::string ResultFileName(const ServeOptions& options, const std::string& model_id,
                           const std::string& date) {
  const std::string label = options.label.empty() ? options.backend : options.label;
  const std::string concurrency =
      options.max_concurrency > 0 ? fmt::format("-concurrency{}", options.max_concurrency) : "";
  const std::string model = model_id.substr(model_id.rfind('/') + 1);
  if (const auto& ramp_up = options.traffic.ramp_up) {
    return fmt::format("{}-ramp-up-{}-{}qps-{}qps{}-{}-{}.json", label,
                       ramp_up->exponential ? "exponential" : "linear", ramp_up->start_rps,
                       ramp_up->end_rps, concurrency, model, date);
  }
  return fmt::format("{}-{}qps{}-{}-{}.json", label, PythonFloat(options.traffic.request_rate),
                     concurrency, model, date);
}

}  // namespace weir::loadgen
