// SPDX-License-Identifier: Apache-2.0
//
// Whole runs in scripted time: what is asked of the server, in which order, and what is made of it.
#include "loadgen/serve/serve.h"

#include <cmath>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "loadgen/client/scripted_network.h"
#include "loadgen/report/compare.h"
#include "loadgen/report/result_json.h"
#include "loadgen/report/result_text.h"

namespace weir::loadgen {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

Script Whole(const std::string& status, const std::string& body) {
  return {{0.001, "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) +
                      "\r\n\r\n" + body}};
}

// A server with a model, counters, and answers of 4 tokens.
struct FakeServer {
  std::vector<std::string> asked;  // the first lines
  std::vector<Json> bodies;        // of what was streamed
  bool takes_ids = true;
  bool has_metrics = true;
  int generated = 0;

  Script operator()(const std::string& request, int) {
    asked.push_back(request.substr(0, request.find(" HTTP/1.1")));
    const std::string body = request.substr(request.find("\r\n\r\n") + 4);
    if (asked.back() == "GET /v1/models") return Whole("200 OK", R"({"data":[{"id":"org/m"}]})");
    if (asked.back() == "GET /metrics") {
      if (!has_metrics) return Whole("404 Not Found", "");
      return Whole("200 OK", "# HELP x\nvllm:generation_tokens_total{a=\"b c\"} " +
                                 std::to_string(generated) + ".0\n");
    }
    const Json json = *ParseJson(body, "body");
    if (!json.contains("stream")) {
      return takes_ids ? Whole("200 OK", "{}") : Whole("400 Bad Request", "{}");
    }
    bodies.push_back(json);
    generated += 4;
    return ScriptedAnswer(4, 0.5, 0.25, 10);
  }
};

ServeOptions Options() {
  ServeOptions options;
  options.form.server = {.host = "h", .port = 80, .path = ""};
  options.workload.num_requests = 3;
  options.workload.id_prefix = "id-";
  options.workload.random = {.input = 10, .output = 4};
  options.max_concurrency = 1;
  options.form.ignore_eos = true;
  return options;
}

Result<ServeResult> Serve(const ServeOptions& options, FakeServer& server,
                          std::vector<std::string>* said = nullptr) {
  ScriptedNetwork network(std::ref(server));
  ServeHooks hooks;
  if (said != nullptr) hooks.say = [said](std::string_view line) { said->emplace_back(line); };
  return RunServe(options, network, hooks);
}

TEST(RunServe, AsksInOrderAndMeasures) {
  FakeServer server;
  ServeOptions options = Options();
  options.num_warmups = 1;
  options.ready_check_s = 10;
  std::vector<std::string> said;
  const auto result = Serve(options, server, &said);
  ASSERT_TRUE(result.has_value()) << result.error().message;
  EXPECT_THAT(server.asked,
              ElementsAre("GET /v1/models", "GET /v1/models", "POST /v1/completions",
                          "POST /v1/completions", "POST /v1/completions", "GET /metrics",
                          "POST /v1/completions", "POST /v1/completions", "POST /v1/completions",
                          "GET /metrics"));
  EXPECT_EQ(result->model_id, "org/m");
  EXPECT_EQ(result->metrics.completed, 3);
  EXPECT_EQ(result->metrics.total_input, 30);
  EXPECT_EQ(result->metrics.total_output, 12);
  EXPECT_NEAR(result->metrics.duration_s, 3 * 1.25, 1e-9);
  ASSERT_EQ(result->cross_check.size(), 1u);
  EXPECT_EQ(result->cross_check[0].difference(), 0) << "warm-ups are not counted";
  EXPECT_THAT(said, ::testing::Contains("Traffic request rate: inf"));
  EXPECT_THAT(said, ::testing::Contains("Burstiness factor: 1.0 (Poisson process)"));
  EXPECT_THAT(said, ::testing::Contains("Maximum request concurrency: 1"));
}

TEST(RunServe, SendsWhatVllmSends) {
  FakeServer server;
  ServeOptions options = Options();
  options.form.extra = {{"temperature", 0}, {"repetition_penalty", 1.5}};
  ASSERT_TRUE(Serve(options, server).has_value());
  const Json& body = server.bodies[0];
  std::vector<std::string> keys;
  for (const auto& [key, value] : body.items()) keys.push_back(key);
  EXPECT_THAT(keys, ElementsAre("model", "prompt", "repetition_penalty", "max_tokens", "logprobs",
                                "stream", "stream_options", "ignore_eos", "temperature"));
  EXPECT_EQ(body["prompt"].size(), 10u);
  EXPECT_EQ(body["repetition_penalty"], 1.5) << "extra members come last";
  EXPECT_TRUE(body["logprobs"].is_null());
  EXPECT_EQ(body["stream_options"].dump(), R"({"include_usage":true})");
}

TEST(BodyOf, AChatHasPartsOfContent) {
  RequestForm form{.chat = true, .model = "m"};
  const Json body = BodyOf(form, {.text = "hello", .output_tokens = 5});
  EXPECT_EQ(
      body.dump(),
      R"({"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hello"}]}],)"
      R"("max_completion_tokens":5,"stream":true,"stream_options":{"include_usage":true}})");
}

TEST(WireOf, HeadersOfTheUserStandInAndTheIdComesLast) {
  RequestForm form{.server = {.host = "::1", .port = 8000, .path = "/base"}, .model = "m"};
  form.api_key = "key";
  form.headers = *ParseHeaders({"authorization=Basic x", "X-Request-ID=mine", "a=b=c"});
  const std::string wire = WireOf(form, {.text = "t", .output_tokens = 1, .id = "id-0"});
  EXPECT_THAT(wire, StartsWith("POST /base/v1/completions HTTP/1.1\r\nHost: [::1]:8000\r\n"));
  EXPECT_THAT(wire, HasSubstr("\r\nAuthorization: Basic x\r\n"));
  EXPECT_THAT(wire, Not(HasSubstr("Bearer")));
  EXPECT_THAT(wire, HasSubstr("\r\nX-Request-ID: id-0\r\n"));
  EXPECT_THAT(wire, HasSubstr("\r\na: b=c\r\n"));
  for (const char* bad : {"x", "=y", "a b=c", "x=y\r\nz: 1", "x:y=z"}) {
    EXPECT_FALSE(ParseHeaders({bad}).has_value()) << bad;
  }
}

TEST(RunServe, ServersWithoutTokenPromptsGetText) {
  FakeServer server{.takes_ids = false};
  const auto result = Serve(Options(), server);
  ASSERT_FALSE(result.has_value());
  EXPECT_THAT(result.error().message, HasSubstr("--tokenizer: not given"));
}

TEST(RunServe, ServersThatAreNotThere) {
  ScriptedNetwork network([](const std::string&, int) -> Script {
    return {{0, "", true, "h:80: cannot connect: Connection refused"}};
  });
  const auto result = RunServe(Options(), network, {});
  EXPECT_THAT(result.error().message, HasSubstr("http://h:80/v1/models: h:80: cannot connect"));
  ServeOptions patient = Options();
  patient.ready_check_s = 12;
  EXPECT_FALSE(RunServe(patient, network, {}).has_value());
  EXPECT_EQ(network.num_requests, 1 + 3) << "at 0, 5 and 10 s";
}

TEST(RunServe, SkipsTheCrossCheckSilently) {
  FakeServer server{.has_metrics = false};
  const auto result = Serve(Options(), server);
  EXPECT_TRUE(result->cross_check.empty());
  EXPECT_THAT(ResultText(Options(), *result), Not(HasSubstr("/metrics")));
}

TEST(ResultText, IsVllmsBlockWordForWord) {
  FakeServer server;
  ServeOptions options = Options();
  options.traffic.request_rate = 2;
  options.metrics.slo.ttft_ms = 600;
  options.reported = {Metric::kTtft, Metric::kTpot, Metric::kItl, Metric::kE2el};
  const std::string text = ResultText(options, *Serve(options, server));
  const std::string block = text.substr(0, text.find(std::string(50, '=')) + 50);
  const auto row = [](std::string label, std::string value) {
    label.resize(41, ' ');
    value.resize(10, ' ');
    return label + value + "\n";
  };
  EXPECT_THAT(
      block, StartsWith("============ Serving Benchmark Result ============\n" +
                        row("Successful requests:", "3") + row("Failed requests:", "0") +
                        row("Maximum request concurrency:", "1") +
                        row("Request rate configured (RPS):", "2.00") + "Benchmark duration (s):"));
  EXPECT_THAT(block, HasSubstr(row("Total input tokens:", "30") +
                               row("Total generated tokens:", "12") + "Request throughput"));
  EXPECT_THAT(block, HasSubstr("Request goodput (req/s):"));
  EXPECT_THAT(block, HasSubstr(row("Peak concurrent requests:", "1.00")));
  EXPECT_THAT(block,
              HasSubstr("---------------Time to First Token----------------\n" +
                        row("Mean TTFT (ms):", "500.00") + row("Median TTFT (ms):", "500.00") +
                        row("P99 TTFT (ms):", "500.00") +
                        "-----Time per Output Token (excl. 1st token)------\n" +
                        row("Mean TPOT (ms):", "250.00")));
  EXPECT_THAT(block, HasSubstr("---------------Inter-token Latency----------------\n"));
  EXPECT_THAT(block, HasSubstr("----------------End-to-end Latency----------------\n"));
}

TEST(ResultJson, HasVllmsKeysInTheirOrder) {
  FakeServer server;
  ServeOptions options = Options();
  options.metadata = {{"version", "1"}};
  options.percentiles = {50, 99.9};
  const auto result = Serve(options, server);
  const Json json = ResultJson(options, *result, {.date = "20260101-000000"});
  std::vector<std::string> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  EXPECT_THAT(
      keys,
      ElementsAre("date", "endpoint_type", "backend", "label", "model_id", "tokenizer_id",
                  "num_prompts", "version", "request_rate", "burstiness", "max_concurrency",
                  "duration", "completed", "failed", "total_input_tokens", "total_output_tokens",
                  "request_throughput", "request_goodput", "output_throughput",
                  "total_token_throughput", "latencies", "queue_times", "max_output_tokens_per_s",
                  "max_concurrent_requests", "rtfx", "mean_ttft_ms", "median_ttft_ms",
                  "std_ttft_ms", "p50_ttft_ms", "p99.9_ttft_ms", "mean_tpot_ms", "median_tpot_ms",
                  "std_tpot_ms", "p50_tpot_ms", "p99.9_tpot_ms", "mean_itl_ms", "median_itl_ms",
                  "std_itl_ms", "p50_itl_ms", "p99.9_itl_ms", "weir"));
  EXPECT_EQ(json["request_rate"], "inf");
  EXPECT_TRUE(json["request_goodput"].is_null());
  const Json detailed = ResultJson(options, *result, {.date = "d", .detailed = true});
  for (const char* key :
       {"input_lens", "output_lens", "ttfts", "itls", "start_times", "generated_texts", "errors"}) {
    EXPECT_EQ(detailed[key].size(), 3u) << key;
  }
  EXPECT_EQ(ResultFileName(options, "org/m", "20260101-000000"),
            "openai-infqps-concurrency1-m-20260101-000000.json");
  options.traffic.request_rate = 4;
  options.label = "mine";
  options.max_concurrency = 0;
  EXPECT_EQ(ResultFileName(options, "m", "d"), "mine-4.0qps-m-d.json");
}

Json OneRun(double throughput, double ttft) {
  return {{"request_throughput", throughput}, {"mean_ttft_ms", ttft}, {"p99.9_ttft_ms", ttft}};
}

TEST(Compare, RunsThatSeparateGetAVerdict) {
  const ResultSet base{"a", {OneRun(10, 5), OneRun(10.1, 5.2), OneRun(9.9, 4.9)}};
  const ResultSet faster{"b", {OneRun(20, 5.1), OneRun(20.2, 4.8), OneRun(19.8, 5.2)}};
  const std::vector<Ratio> ratios = Compare(base, faster);
  ASSERT_EQ(ratios.size(), 3u);
  EXPECT_EQ(ratios[0].figure.label, "Requests (req/s)");
  EXPECT_NEAR(ratios[0].ratio, 2, 1e-9);
  EXPECT_EQ(ratios[0].Verdict(), "better");
  EXPECT_EQ(ratios[1].Verdict(), "even");
  EXPECT_EQ(ratios[2].figure.label, "P99.9 TTFT (ms)");
  EXPECT_EQ(Compare(faster, base)[0].Verdict(), "worse");
}

// Two runs each: log 1, log 2 against log 2, log 4: means log sqrt 2 and log sqrt 8, variances
// (log 2)^2 / 2 each, so t(2) sqrt(2 (log 2)^2 / 4) = 4.303 * 0.4901 around log 2.
TEST(Compare, WelchsInterval) {
  const ResultSet base{"a", {OneRun(1, 1), OneRun(2, 1)}};
  const ResultSet other{"b", {OneRun(2, 1), OneRun(4, 1)}};
  const auto interval = Compare(base, other)[0].interval;
  ASSERT_TRUE(interval.has_value());
  EXPECT_NEAR(std::log(interval->low), std::log(2) - 4.303 * std::log(2) / std::sqrt(2), 1e-9);
  EXPECT_NEAR(std::log(interval->high), std::log(2) + 4.303 * std::log(2) / std::sqrt(2), 1e-9);
}

Json Detailed(double ttft, double spread) {
  Json json = OneRun(1, 1000 * ttft);
  for (int i = 0; i < 40; ++i) {
    json["ttfts"].push_back(ttft + spread * (i % 5 - 2));
    json["latencies"].push_back(2 * ttft);
    json["itls"].push_back(Json::array({0.1}));
    json["output_lens"].push_back(2);
  }
  return json;
}

TEST(Compare, SingleRunsAreComparedByTheirRequests) {
  const auto ratios = Compare({"a", {Detailed(1, 0.01)}}, {"b", {Detailed(2, 0.01)}});
  ASSERT_EQ(ratios[1].figure.key, "mean_ttft_ms");
  EXPECT_EQ(ratios[1].basis, Basis::kRequests);
  EXPECT_EQ(ratios[1].Verdict(), "worse");
  EXPECT_EQ(ratios[0].Verdict(), "") << "a throughput is one number per run";
  EXPECT_EQ(Compare({"a", {Detailed(1, 0.4)}}, {"b", {Detailed(1.01, 0.4)}})[1].Verdict(), "even");
  const ResultSet bare{"a", {OneRun(1, 1)}};
  EXPECT_EQ(Compare(bare, bare)[0].Verdict(), "");
  EXPECT_THAT(CompareText(std::vector{bare, bare}), HasSubstr("No interval, so no verdict"));
}

TEST(VariationText, HasTheCoefficientOfVariation) {
  EXPECT_THAT(VariationText(std::vector{OneRun(9, 1), OneRun(11, 1)}),
              HasSubstr("10.00        1.41       14.14        9.00       11.00"));
}

TEST(ServerMetrics, SumsAndSkips) {
  const ServerMetrics before = ReadServerMetrics("");
  const ServerMetrics after = ReadServerMetrics(
      "# TYPE a counter\nvllm:prompt_tokens_total{engine=\"0\"} 5\r\n"
      "vllm:prompt_tokens_total{engine=\"1\"} 7.0 1700000000\nbroken\nvllm:x{ 3\n"
      "vllm:generation_tokens_total NaN\nvllm:time_to_first_token_seconds_sum 3\n"
      "vllm:time_to_first_token_seconds_count 2\n"
      "vllm:spec_decode_num_drafts_total 4\nvllm:spec_decode_num_draft_tokens_total 10\n"
      "vllm:spec_decode_num_accepted_tokens_total 6\n"
      "vllm:spec_decode_num_accepted_tokens_per_pos_total{position=\"0\"} 4\n"
      "vllm:spec_decode_num_accepted_tokens_per_pos_total{position=\"1\"} 2\n");
  Metrics metrics{.total_input = 13};
  const std::vector<CheckRow> rows = CrossCheck(before, after, metrics);
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].what, "Input tokens");
  EXPECT_EQ(rows[0].difference(), 1);
  EXPECT_EQ(rows[1].server, 1500) << "mean TTFT in ms";
  const auto spec = SpecDecodeBetween(before, after);
  ASSERT_TRUE(spec.has_value());
  EXPECT_DOUBLE_EQ(spec->acceptance_rate, 60);
  EXPECT_DOUBLE_EQ(spec->acceptance_length, 2.5);
  EXPECT_THAT(spec->per_position, ElementsAre(1, 0.5));
  EXPECT_FALSE(SpecDecodeBetween(after, after).has_value());
}

}  // namespace
}  // namespace weir::loadgen
