// SPDX-License-Identifier: Apache-2.0
//
// What is asked of the server: prompts with the lengths that are wanted back. A function of the
// options and of the seed alone.
#ifndef WEIR_LOADGEN_WORKLOAD_WORKLOAD_H_
#define WEIR_LOADGEN_WORKLOAD_WORKLOAD_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

#include "text/tokenizer.h"

namespace weir::loadgen {

struct WorkloadRequest {
  std::vector<TokenId> tokens;  // the prompt as ids, or
  std::string text;             // as text; exactly one of both
  int64_t prompt_tokens = 0;    // 0: not known before the server counts them
  int64_t output_tokens = 0;
  std::optional<double> at_s;  // of a trace: since its beginning
  std::string id;
};

struct Workload {
  std::vector<WorkloadRequest> requests;
  std::vector<std::string> notes;  // for the user: what differs from what was asked
};

struct LengthOptions {
  int64_t input = 1024;
  int64_t output = 128;
  double range_ratio = 0;  // r: uniform from floor(length (1 - r)) to ceil(length (1 + r))
  int64_t prefix = 0;      // shared by all prompts, on top of `input`
};

struct PrefixRepetitionOptions {
  int64_t prefix = 256;
  int64_t suffix = 256;
  int64_t num_prefixes = 10;
  int64_t output = 128;
};

struct SonnetOptions {
  int64_t input = 550;
  int64_t output = 150;
  int64_t prefix = 200;
};

struct TimedTraceOptions {
  int64_t chunk_tokens = 16;            // per hash id
  double seconds_per_unit = 1;          // of its timestamps
  std::string timestamp = "timestamp";  // names of the fields
  std::string input_length = "input_length";
  std::string output_length = "output_length";
  std::string hash_ids = "hash_ids";
};

struct WorkloadOptions {
  std::string dataset = "random";
  std::string path;
  uint64_t seed = 0;
  int64_t num_requests = 1000;
  std::string id_prefix;
  bool as_tokens = true;   // prompts as token ids where the dataset makes them
  bool oversample = true;  // repeat samples when a file has too few
  bool shuffle = true;
  bool self_timed = false;  // the trace's own times
  LengthOptions random;
  PrefixRepetitionOptions prefix_repetition;
  SonnetOptions sonnet;
  TimedTraceOptions timed_trace;
  std::optional<int64_t> sharegpt_output;  // instead of the recorded answer's length
  int64_t custom_output = 256;
  // The model's tokenizer; null when there is none.
  const Tokenizer* tokenizer = nullptr;
  // The prompt for one user message, where the client renders prompts; null: text goes as it is.
  std::function<Result<std::string>(std::string_view)> render;
};

// Errors name the option that is wrong.
Result<Workload> MakeWorkload(const WorkloadOptions& options);

}  // namespace weir::loadgen

#endif  // WEIR_LOADGEN_WORKLOAD_WORKLOAD_H_
