// SPDX-License-Identifier: Apache-2.0
//
// What is measured of requests for text, under vLLM's names and with its meanings: time to first
// token and end-to-end time begin when the request arrived; queueing ends when it is first part of
// a step; a preemption counts as decoding.
#ifndef WEIR_SERVER_METRICS_GENERATION_METRICS_H_
#define WEIR_SERVER_METRICS_GENERATION_METRICS_H_

#include <array>
#include <cstdint>

#include <weir/request.h>

#include "server/metrics/prometheus.h"

namespace weir {

// One output from its request's arrival to its end, in microseconds of std::chrono::steady_clock.
struct OutputTimes {
  int64_t arrived_us = 0;
  int64_t submitted_us = 0;
  int64_t scheduled_us = 0;
  int64_t first_us = 0;  // 0: there was no token
  int64_t last_us = 0;   // of the last token
  int32_t num_tokens = 0;
};

enum class Refusal { kInvalid, kQueuedRequests, kQueuedTokens, kNotReady };
inline constexpr int kNumRefusals = 4;
inline constexpr int kNumFinishReasons = 5;

// Any thread adds. Nothing allocates after construction.
class GenerationMetrics {
 public:
  explicit GenerationMetrics(int32_t max_model_len);

  void RequestTaken(int32_t n, int32_t max_tokens);
  void FirstToken(const OutputTimes& times);
  void NextToken(int64_t gap_us);
  // An output has ended. The prompt's figures belong to the first output of each prompt only.
  void OutputEnded(FinishReason reason, const OutputTimes& times);
  void PromptEnded(int32_t prompt_len, int32_t num_cached, int32_t longest_output);
  void Refused(Refusal why) { refusals_[static_cast<size_t>(why)].Add(); }
  void UnknownFields(int count) { unknown_fields_.Add(count); }
  void ClientGone() { clients_gone_.Add(); }

  // vLLM's families, and those of Weir.
  void Write(MetricsText& out, bool legacy_names) const;

 private:
  Histogram time_to_first_token_, inter_token_latency_, time_per_output_token_, e2e_latency_;
  Histogram queue_time_, inference_time_, prefill_time_, decode_time_;
  Histogram prompt_tokens_, generation_tokens_, max_generation_tokens_, prefill_computed_;
  Histogram params_n_, params_max_tokens_;
  std::array<Counter, kNumFinishReasons> finished_;
  std::array<Counter, kNumRefusals> refusals_;
  Counter unknown_fields_, clients_gone_;
};

}  // namespace weir

#endif  // WEIR_SERVER_METRICS_GENERATION_METRICS_H_
