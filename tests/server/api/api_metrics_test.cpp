// SPDX-License-Identifier: Apache-2.0
//
// What /metrics says, checked as `promtool check metrics` would, and the names that dashboards,
// routers and autoscalers look for.
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "server/api/api_testbed.h"

namespace weir {
namespace {

struct Exposition {
  std::map<std::string, std::string> types;  // family -> type
  std::map<std::string, double> samples;     // name{labels} -> value
  std::vector<std::string> problems;
};

std::string FamilyOf(const std::string& name, const std::map<std::string, std::string>& types) {
  for (const char* suffix : {"_bucket", "_sum", "_count"}) {
    const size_t at = name.rfind(suffix);
    if (at == std::string::npos || at + std::string(suffix).size() != name.size()) continue;
    const auto type = types.find(name.substr(0, at));
    if (type != types.end() && (type->second == "histogram" || type->second == "summary")) {
      return type->first;
    }
  }
  return name;
}

Exposition Parse(const std::string& text) {
  Exposition result;
  std::istringstream lines(text);
  std::string line, current;
  std::set<std::string> helped;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string first, kind, name, rest;
    words >> first;
    if (first == "#") {
      words >> kind >> name >> rest;
      if (kind == "HELP") {
        if (!helped.insert(name).second) result.problems.push_back("HELP twice: " + name);
        if (rest.empty()) result.problems.push_back("no help: " + name);
      } else if (kind == "TYPE") {
        if (!result.types.emplace(name, rest).second)
          result.problems.push_back("TYPE twice: " + name);
        if (!helped.count(name)) result.problems.push_back("TYPE before HELP: " + name);
        current = name;
      }
      continue;
    }
    const size_t space = line.rfind(' ');
    const std::string key = line.substr(0, space);
    const std::string metric = key.substr(0, key.find('{'));
    if (FamilyOf(metric, result.types) != current) {
      result.problems.push_back("outside of its family: " + line);
    }
    char* end = nullptr;
    const double value = std::strtod(line.c_str() + space + 1, &end);
    if (*end != '\0') result.problems.push_back("no number: " + line);
    if (!result.samples.emplace(key, value).second) result.problems.push_back("twice: " + key);
    const bool counter = result.types[current] == "counter";
    if (counter && value < 0) result.problems.push_back("negative: " + line);
    if (counter && metric.substr(metric.size() - 6) != "_total") {
      result.problems.push_back("a counter without _total: " + metric);
    }
  }
  return result;
}

// Buckets ascend in edge and count, end with +Inf, and that is _count.
void CheckHistograms(Exposition& e) {
  std::map<std::string, std::vector<std::pair<double, double>>> buckets;
  for (const auto& [key, value] : e.samples) {
    const size_t le = key.find("le=\"");
    if (key.find("_bucket{") == std::string::npos || le == std::string::npos) continue;
    const size_t end = key.find('"', le + 4);
    const std::string edge = key.substr(le + 4, end - le - 4);
    std::string series = key.substr(0, le) + key.substr(end + 1);
    buckets[series].emplace_back(edge == "+Inf" ? INFINITY : std::stod(edge), value);
  }
  for (auto& [series, list] : buckets) {
    std::sort(list.begin(), list.end());
    for (size_t i = 1; i < list.size(); ++i) {
      if (list[i].second < list[i - 1].second) e.problems.push_back("not cumulative: " + series);
    }
    if (!std::isinf(list.back().first)) e.problems.push_back("no +Inf: " + series);
    std::string count = series;
    count.replace(count.find("_bucket{"), 8, "_count{");
    const size_t comma = count.rfind(",}");
    if (comma != std::string::npos) count.replace(comma, 2, "}");
    if (!e.samples.count(count)) {
      e.problems.push_back("no " + count);
    } else if (e.samples[count] != list.back().second) {
      e.problems.push_back("+Inf is not the count: " + series);
    }
  }
}

constexpr char kLabels[] = "{model_name=\"fake\",engine=\"0\"}";

Exposition Scrape(ApiTestbed& bed) {
  const auto seen = bed.Get("/metrics");
  EXPECT_EQ(seen->response().content_type, "text/plain; version=0.0.4; charset=utf-8");
  Exposition e = Parse(seen->body());
  CheckHistograms(e);
  for (const std::string& problem : e.problems) ADD_FAILURE() << problem;
  return e;
}

TEST(MetricsRoute, IsWellFormedBeforeAndAfterRequests) {
  ApiTestbed bed({.metrics_legacy_names = true});
  Scrape(bed);
  bed.engine.num_cached_tokens = 1;
  bed.Post("/v1/completions", Json{{"prompt", "abc"}, {"max_tokens", 3}, {"n", 2}, {"foo", 1}});
  bed.Post("/v1/completions", Json{{"prompt", "abc"}, {"stream", true}});
  bed.Post("/v1/completions", Json{{"prompt", 5}});
  bed.Get("/nowhere");
  while (bed.service().num_active() > 0) std::this_thread::yield();
  Exposition e = Scrape(bed);
  const auto value = [&](const std::string& name) {
    EXPECT_TRUE(e.samples.count(name)) << name;
    return e.samples[name];
  };
  const std::string l = kLabels;
  EXPECT_EQ(value("vllm:time_to_first_token_seconds_count" + l), 3);  // outputs
  EXPECT_EQ(value("vllm:inter_token_latency_seconds_count" + l), 2 + 2 + 11);
  EXPECT_EQ(value("vllm:time_per_output_token_seconds_count" + l), 2 + 2 + 11);
  EXPECT_EQ(value("vllm:request_prompt_tokens_sum" + l), 6);  // prompts
  EXPECT_EQ(value("vllm:request_prefill_kv_computed_tokens_sum" + l), 4);
  EXPECT_EQ(value("vllm:request_generation_tokens_sum" + l), 3 + 3 + 12);
  EXPECT_EQ(value("vllm:request_max_num_generation_tokens_sum" + l), 3 + 12);
  EXPECT_EQ(value("vllm:request_params_n_sum" + l), 3);
  EXPECT_EQ(value("vllm:request_params_max_tokens_sum" + l), 3 + 16);
  const auto finished = [&](const std::string& reason) {
    return value("vllm:request_success_total{model_name=\"fake\",engine=\"0\",finished_reason=\"" +
                 reason + "\"}");
  };
  EXPECT_EQ(finished("length"), 2);
  EXPECT_EQ(finished("stop"), 1);
  EXPECT_EQ(finished("abort"), 0);
  EXPECT_EQ(value("weir:unknown_request_fields_total" + l), 1);
  EXPECT_EQ(
      value("weir:requests_refused_total{model_name=\"fake\",engine=\"0\",reason=\"invalid\"}"), 1);
  EXPECT_EQ(value("weir:queued_requests" + l), 0);
  const std::string handler =
      "http_requests_total{handler=\"/v1/completions\",method=\"POST\",status=";
  EXPECT_EQ(value(handler + "\"2xx\"}"), 2);
  EXPECT_EQ(value(handler + "\"4xx\"}"), 1);
  EXPECT_EQ(value("http_requests_total{handler=\"none\",method=\"GET\",status=\"4xx\"}"), 1);
}

TEST(MetricsRoute, HasTheNamesThatOthersReadAndLegacyOnesOnRequestOnly) {
  const std::string wanted[] = {"vllm:num_requests_running",
                                "vllm:num_requests_waiting",
                                "vllm:kv_cache_usage_perc",
                                "vllm:prompt_tokens_total",
                                "vllm:generation_tokens_total",
                                "vllm:num_preemptions_total",
                                "vllm:prefix_cache_queries_total",
                                "vllm:prefix_cache_hits_total",
                                "vllm:time_to_first_token_seconds",
                                "vllm:inter_token_latency_seconds",
                                "vllm:request_time_per_output_token_seconds",
                                "vllm:e2e_request_latency_seconds",
                                "vllm:request_queue_time_seconds",
                                "vllm:request_prefill_time_seconds",
                                "vllm:request_decode_time_seconds",
                                "vllm:request_inference_time_seconds",
                                "vllm:request_prompt_tokens",
                                "vllm:request_generation_tokens",
                                "vllm:request_success_total",
                                "vllm:request_params_n",
                                "vllm:request_params_max_tokens",
                                "vllm:iteration_tokens_total",
                                "vllm:cache_config_info",
                                "vllm:engine_sleep_state",
                                "vllm:lora_requests_info",
                                "http_requests_total",
                                "http_request_duration_seconds",
                                "weir:splits_total",
                                "weir:plan_seconds_total",
                                "weir:captured_steps_total",
                                "weir:cost_model_error",
                                "weir:step_sequences_total",
                                "weir:step_tokens_total"};
  const std::string legacy[] = {"vllm:gpu_cache_usage_perc", "vllm:gpu_prefix_cache_hits_total",
                                "vllm:gpu_prefix_cache_queries_total",
                                "vllm:time_per_output_token_seconds", "vllm:num_requests_swapped"};
  ApiTestbed plain;
  ApiTestbed old({.metrics_legacy_names = true});
  Exposition e = Scrape(plain);
  Exposition with_legacy = Scrape(old);
  for (const std::string& name : wanted) EXPECT_TRUE(e.types.count(name)) << name;
  for (const std::string& name : legacy) {
    EXPECT_FALSE(e.types.count(name)) << name;
    EXPECT_TRUE(with_legacy.types.count(name)) << name;
  }
  EXPECT_EQ(e.samples["vllm:kv_cache_usage_perc" + std::string(kLabels)], 0.1);
  EXPECT_EQ(
      e.samples["vllm:cache_config_info{model_name=\"fake\",engine=\"0\",block_size=\"16\","
                "cache_dtype=\"bf16\",enable_prefix_caching=\"True\",num_gpu_blocks=\"1000\"}"],
      1);
}

TEST(MetricsRoute, HasVllmsBuckets) {
  ApiTestbed bed;
  const std::string text = bed.Get("/metrics")->body();
  const auto edges = [&](const std::string& name) {
    std::string result;
    for (size_t at = 0; (at = text.find("\n" + name + "_bucket{", at)) != std::string::npos; ++at) {
      const size_t le = text.find("le=\"", at) + 4;
      result += text.substr(le, text.find('"', le) - le) + " ";
    }
    return result;
  };
  EXPECT_EQ(edges("vllm:time_to_first_token_seconds"),
            "0.001 0.005 0.01 0.02 0.04 0.06 0.08 0.1 0.25 0.5 0.75 1.0 2.5 5.0 7.5 10.0 20.0 40.0 "
            "80.0 160.0 640.0 2560.0 +Inf ");
  EXPECT_EQ(edges("vllm:inter_token_latency_seconds"),
            "0.01 0.025 0.05 0.075 0.1 0.15 0.2 0.3 0.4 0.5 0.75 1.0 2.5 5.0 7.5 10.0 20.0 40.0 "
            "80.0 +Inf ");
  EXPECT_EQ(edges("vllm:e2e_request_latency_seconds"),
            "0.3 0.5 0.8 1.0 1.5 2.0 2.5 5.0 10.0 15.0 20.0 30.0 40.0 50.0 60.0 120.0 240.0 480.0 "
            "960.0 1920.0 7680.0 +Inf ");
  EXPECT_EQ(edges("vllm:request_prompt_tokens"),
            "1.0 2.0 5.0 10.0 20.0 50.0 100.0 200.0 500.0 1000.0 +Inf ");
  EXPECT_EQ(edges("vllm:request_params_n"), "1.0 2.0 5.0 10.0 20.0 +Inf ");
}

// A panel that reads a name which nobody exposes stays empty, and nobody notices.
TEST(Dashboard, ReadsOnlyWhatIsExposed) {
  std::ifstream file(WEIR_SOURCE_DIR "/docs/grafana/weir.json");
  std::stringstream text;
  text << file.rdbuf();
  const Json dashboard = Json::parse(text.str(), nullptr, false);
  ASSERT_TRUE(dashboard.is_object());
  ApiTestbed bed;
  const Exposition e = Scrape(bed);
  int num_names = 0;
  const std::regex metric("(vllm:|weir:|http_)[a-z0-9_]+");
  for (const Json& panel : dashboard["panels"]) {
    for (const Json& target : panel.value("targets", Json::array())) {
      const std::string query = target["expr"].get<std::string>();
      for (std::sregex_iterator it(query.begin(), query.end(), metric), end; it != end; ++it) {
        EXPECT_TRUE(e.types.count(FamilyOf(it->str(), e.types))) << query;
        ++num_names;
      }
    }
  }
  EXPECT_GT(num_names, 40);
}

TEST(MetricsRoute, NameOfTheModelIsEscaped) {
  ApiTestbed bed({.served_model_names = {"a\"b\\c\nd"}});
  const std::string text = bed.Get("/metrics")->body();
  EXPECT_NE(text.find("{model_name=\"a\\\"b\\\\c\\nd\",engine=\"0\"}"), std::string::npos);
}

}  // namespace
}  // namespace weir
