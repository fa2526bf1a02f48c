// SPDX-License-Identifier: Apache-2.0
#include "server/metrics/generation_metrics.h"

#include <algorithm>

namespace weir {
namespace {

// vLLM's edges, in seconds.
std::vector<double> FirstTokenEdges() {
  return {0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1,  0.25,  0.5,   0.75,
          1.0,   2.5,   5.0,  7.5,  10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0};
}
std::vector<double> TokenEdges() {
  return {0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2,  0.3,  0.4, 0.5,
          0.75, 1.0,   2.5,  5.0,   7.5, 10.0, 20.0, 40.0, 80.0};
}
std::vector<double> RequestEdges() {
  return {0.3,  0.5,  0.8,  1.0,  1.5,   2.0,   2.5,   5.0,   10.0,   15.0,  20.0,
          30.0, 40.0, 50.0, 60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0};
}
std::vector<double> NumOutputEdges() { return {1, 2, 5, 10, 20}; }

double Seconds(int64_t begin_us, int64_t end_us) {
  return static_cast<double>(std::max<int64_t>(end_us - begin_us, 0)) * 1e-6;
}

// vLLM's names of the ways to end.
constexpr std::array<std::pair<FinishReason, std::string_view>, 4> kEndings = {{
    {FinishReason::kStop, "stop"},
    {FinishReason::kLength, "length"},
    {FinishReason::kCancel, "abort"},
    {FinishReason::kError, "error"},
}};

constexpr std::array<std::string_view, kNumRefusals> kRefusalNames = {"invalid", "queued_requests",
                                                                      "queued_tokens", "not_ready"};

}  // namespace

GenerationMetrics::GenerationMetrics(int32_t max_model_len)
    : time_to_first_token_(FirstTokenEdges()),
      inter_token_latency_(TokenEdges()),
      time_per_output_token_(TokenEdges()),
      e2e_latency_(RequestEdges()),
      queue_time_(RequestEdges()),
      inference_time_(RequestEdges()),
      prefill_time_(RequestEdges()),
      decode_time_(RequestEdges()),
      prompt_tokens_(OneTwoFiveEdges(max_model_len)),
      generation_tokens_(OneTwoFiveEdges(max_model_len)),
      max_generation_tokens_(OneTwoFiveEdges(max_model_len)),
      prefill_computed_(OneTwoFiveEdges(max_model_len)),
      params_n_(NumOutputEdges()),
      params_max_tokens_(OneTwoFiveEdges(max_model_len)) {}

void GenerationMetrics::RequestTaken(int32_t n, int32_t max_tokens) {
  params_n_.Observe(n);
  params_max_tokens_.Observe(max_tokens);
}

void GenerationMetrics::FirstToken(const OutputTimes& times) {
  time_to_first_token_.Observe(Seconds(times.arrived_us, times.first_us));
}

void GenerationMetrics::NextToken(int64_t gap_us) {
  inter_token_latency_.Observe(Seconds(0, gap_us));
}

void GenerationMetrics::OutputEnded(FinishReason reason, const OutputTimes& times) {
  finished_[static_cast<size_t>(reason)].Add();
  if (times.first_us == 0) return;  // it never ran: its times would be zeros that nobody waited
  e2e_latency_.Observe(Seconds(times.arrived_us, times.last_us));
  queue_time_.Observe(Seconds(times.submitted_us, times.scheduled_us));
  prefill_time_.Observe(Seconds(times.scheduled_us, times.first_us));
  decode_time_.Observe(Seconds(times.first_us, times.last_us));
  inference_time_.Observe(Seconds(times.scheduled_us, times.last_us));
  generation_tokens_.Observe(times.num_tokens);
  const int32_t gaps = times.num_tokens - 1;
  time_per_output_token_.Observe(gaps > 0 ? Seconds(times.first_us, times.last_us) / gaps : 0.0);
}

void GenerationMetrics::PromptEnded(int32_t prompt_len, int32_t num_cached,
                                    int32_t longest_output) {
  prompt_tokens_.Observe(prompt_len);
  prefill_computed_.Observe(prompt_len - num_cached);
  max_generation_tokens_.Observe(longest_output);
}

void GenerationMetrics::Write(MetricsText& out, bool legacy_names) const {
  out.Histo("vllm:time_to_first_token_seconds", "Time to first token, from arrival",
            time_to_first_token_.Snapshot());
  out.Histo("vllm:inter_token_latency_seconds", "Time between an output's steps",
            inter_token_latency_.Snapshot());
  out.Histo("vllm:request_time_per_output_token_seconds",
            "Decode time of an output divided by its tokens after the first",
            time_per_output_token_.Snapshot());
  out.Histo("vllm:e2e_request_latency_seconds", "From arrival to the last token",
            e2e_latency_.Snapshot());
  out.Histo("vllm:request_queue_time_seconds", "Waiting for the first step",
            queue_time_.Snapshot());
  out.Histo("vllm:request_inference_time_seconds", "From the first step to the last token",
            inference_time_.Snapshot());
  out.Histo("vllm:request_prefill_time_seconds", "From the first step to the first token",
            prefill_time_.Snapshot());
  out.Histo("vllm:request_decode_time_seconds", "From the first token to the last",
            decode_time_.Snapshot());
  out.Histo("vllm:request_prompt_tokens", "Tokens of a prompt", prompt_tokens_.Snapshot());
  out.Histo("vllm:request_generation_tokens", "Tokens of an output", generation_tokens_.Snapshot());
  out.Histo("vllm:request_max_num_generation_tokens", "Tokens of a prompt's longest output",
            max_generation_tokens_.Snapshot());
  out.Histo("vllm:request_params_n", "Parameter n", params_n_.Snapshot());
  out.Histo("vllm:request_params_max_tokens", "Parameter max_tokens",
            params_max_tokens_.Snapshot());
  out.Histo("vllm:request_prefill_kv_computed_tokens", "Prompt tokens that no cache held",
            prefill_computed_.Snapshot());
  out.Family("vllm:request_success_total", "counter", "Outputs that have ended, by reason");
  for (const auto& [reason, name] : kEndings) {
    out.Sample({{"finished_reason", name}},
               static_cast<double>(finished_[static_cast<size_t>(reason)].value()));
  }
  if (legacy_names) {
    out.Histo("vllm:time_per_output_token_seconds",
              "Deprecated name of vllm:inter_token_latency_seconds",
              inter_token_latency_.Snapshot());
  }
  out.Family("weir:requests_refused_total", "counter", "Requests for text not taken, by reason");
  for (size_t i = 0; i < refusals_.size(); ++i) {
    out.Sample({{"reason", kRefusalNames[i]}}, static_cast<double>(refusals_[i].value()));
  }
  out.Count("weir:unknown_request_fields_total", "Fields of requests that mean nothing to Weir",
            static_cast<double>(unknown_fields_.value()));
  out.Count("weir:clients_gone_total", "Requests whose client left before the end",
            static_cast<double>(clients_gone_.value()));
}

}  // namespace weir
