// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/traces.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "loadgen/workload/dataset_file.h"
#include "loadgen/workload/mersenne_twister.h"
#include "loadgen/workload/pcg64.h"
#include "loadgen/workload/token_pool.h"

namespace weir::loadgen {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 24;
constexpr uint64_t kPaddingSeed = 0x9e3779b97f4a7c15u;

TokenPool Pool(const WorkloadOptions& options) {
  return options.tokenizer != nullptr ? PoolOf(*options.tokenizer) : CommonPool();
}

Status SetPrompt(const WorkloadOptions& options, std::vector<TokenId> tokens,
                 WorkloadRequest& request) {
  request.prompt_tokens = static_cast<int64_t>(tokens.size());
  if (options.as_tokens) {
    request.tokens = std::move(tokens);
    return Ok();
  }
  if (options.tokenizer == nullptr) {
    return Err(Code::kInvalidArgument, "--tokenizer: not given, wanted a folder with ",
               "tokenizer.json to make ", options.dataset, " prompts as text");
  }
  request.text = options.tokenizer->Decode(tokens, false);
  return Ok();
}

std::vector<std::string_view> Cells(std::string_view line) {
  std::vector<std::string_view> cells;
  while (true) {
    const size_t comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

std::optional<double> ParseDouble(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  return value;
}

struct BurstRow {
  double at_s;
  int64_t input;
  int64_t output;
};

// Columns by name: Timestamp, Model, Request tokens, Response tokens.
Result<std::vector<BurstRow>> ReadBurstGpt(const std::string& path, std::string_view text) {
  const std::vector<std::string_view> lines = Lines(text);
  const std::vector<std::string_view> names = lines.empty() ? Cells("") : Cells(lines[0]);
  std::vector<size_t> columns;
  for (const char* wanted : {"Timestamp", "Model", "Request tokens", "Response tokens"}) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) {
      return Err(Code::kInvalidArgument, path, ": line 1: found no column \"", wanted, "\"");
    }
    columns.push_back(static_cast<size_t>(found - names.begin()));
  }
  std::vector<BurstRow> rows;
  for (size_t i = 1; i < lines.size(); ++i) {
    const std::vector<std::string_view> cells = Cells(lines[i]);
    const auto number = [&](size_t column) {
      return columns[column] < cells.size() ? ParseDouble(cells[columns[column]]) : std::nullopt;
    };
    const std::optional<double> at_s = number(0);
    const std::optional<double> input = number(2);
    const std::optional<double> output = number(3);
    const bool good =
        at_s && input && output && *input >= 0 && *input <= kMaxTokens && *output <= kMaxTokens;
    if (!good) {
      return Err(Code::kInvalidArgument, path, ": row ", i + 1,
                 ": wanted a time and numbers of tokens");
    }
    if (cells[columns[1]] != "GPT-4" || *output <= 0) continue;
    rows.push_back({*at_s, static_cast<int64_t>(*input), static_cast<int64_t>(*output)});
  }
  if (rows.empty()) return Err(Code::kInvalidArgument, path, ": found no rows of GPT-4");
  return rows;
}

// pandas' sample(n, random_state=seed), with repetition when there are too few.
std::vector<BurstRow> Sample(const std::vector<BurstRow>& rows, int64_t count, uint64_t seed) {
  MersenneTwister random = MersenneTwister::NumpySeed(static_cast<uint32_t>(seed));
  const auto num_rows = static_cast<uint32_t>(rows.size());
  std::vector<BurstRow> sample;
  if (count <= static_cast<int64_t>(rows.size())) {
    const std::vector<uint32_t> order = NumpyPermutation(random, num_rows);
    for (int64_t i = 0; i < count; ++i) sample.push_back(rows[order[static_cast<size_t>(i)]]);
  } else {
    for (int64_t i = 0; i < count; ++i) sample.push_back(rows[NumpyBelow(random, num_rows)]);
  }
  return sample;
}

int64_t WholeField(const Json& line, const std::string& name) {
  const auto field = line.find(name);
  if (field == line.end() || !field->is_number_integer()) return -1;
  return field->get<int64_t>();
}

// Equal ids give equal tokens, whatever else the prompt holds.
void AppendChunk(const TokenPool& pool, uint64_t id, int64_t length, std::vector<TokenId>& tokens) {
  Pcg64 random(id);
  for (int64_t i = 0; i < length; ++i) {
    const int64_t at = random.Integer(0, static_cast<int64_t>(pool.allowed.size()));
    tokens.push_back(pool.allowed[static_cast<size_t>(at)]);
  }
}

// The pieces of the prompt of request `index`, cut or filled up to its length.
Result<std::vector<TokenId>> TracePrompt(const WorkloadOptions& options, const TokenPool& pool,
                                         const Json& ids, int64_t length, size_t index,
                                         bool& padded) {
  std::vector<TokenId> tokens;
  for (const Json& id : ids) {
    if (!id.is_number_integer()) {
      return Err(Code::kInvalidArgument, options.path, ": request ", index + 1,
                 ": wanted whole numbers in ", options.timed_trace.hash_ids);
    }
    const int64_t room = length - static_cast<int64_t>(tokens.size());
    AppendChunk(pool, id.get<uint64_t>(), std::min(room, options.timed_trace.chunk_tokens), tokens);
  }
  const int64_t missing = length - static_cast<int64_t>(tokens.size());
  padded = missing > 0;
  AppendChunk(pool, kPaddingSeed + index, missing, tokens);
  return tokens;
}

}  // namespace

Result<Workload> MakeBurstGpt(const WorkloadOptions& options) {
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, OpenDataset(options.dataset, options.path));
  WEIR_ASSIGN_OR_RETURN(std::vector<BurstRow> rows, ReadBurstGpt(options.path, TextOf(file)));
  if (!options.self_timed) rows = Sample(rows, options.num_requests, options.seed);
  if (rows.size() > static_cast<size_t>(options.num_requests)) {
    rows.resize(static_cast<size_t>(options.num_requests));
  }
  const TokenPool pool = Pool(options);
  Workload workload;
  for (size_t i = 0; i < rows.size(); ++i) {
    WorkloadRequest& request = workload.requests.emplace_back();
    std::vector<TokenId> tokens;
    for (int64_t at = 0; at < rows[i].input; ++at) {
      tokens.push_back(pool.allowed[(i + static_cast<size_t>(at)) % pool.allowed.size()]);
    }
    if (tokens.empty()) tokens.push_back(pool.allowed[0]);  // no server takes an empty prompt
    WEIR_RETURN_IF_ERROR(SetPrompt(options, std::move(tokens), request));
    request.output_tokens = rows[i].output;
    request.id = fmt::format("{}{}", options.id_prefix, i);
    if (!options.self_timed) continue;
    request.at_s = rows[i].at_s - rows[0].at_s;
    if (*request.at_s < workload.requests[i > 0 ? i - 1 : 0].at_s.value_or(0)) {
      return Err(Code::kInvalidArgument, options.path, ": found times that go back");
    }
  }
  return workload;
}

Result<Workload> MakeTimedTrace(const WorkloadOptions& options) {
  const TimedTraceOptions& trace = options.timed_trace;
  WEIR_ASSIGN_OR_RETURN(const MappedFile file, OpenDataset(options.dataset, options.path));
  WEIR_ASSIGN_OR_RETURN(const std::vector<Json> lines, JsonLines(options.path, TextOf(file)));
  if (trace.chunk_tokens < 1 || !(trace.seconds_per_unit > 0)) {
    return Err(Code::kInvalidArgument,
               "--timed-trace-chunk-hash-size, --timed-trace-sec-multiplier: wanted more than 0");
  }
  const TokenPool pool = Pool(options);
  Workload workload;
  int64_t num_padded = 0;
  double first = 0;
  double last = 0;
  for (const Json& line : lines) {
    const size_t i = workload.requests.size();
    if (static_cast<int64_t>(i) == options.num_requests) break;
    const int64_t input = WholeField(line, trace.input_length);
    const int64_t output = WholeField(line, trace.output_length);
    const auto time = line.find(trace.timestamp);
    const auto ids = line.find(trace.hash_ids);
    if (input < 1 || input > kMaxTokens || output < 1 || output > kMaxTokens ||
        time == line.end() || !time->is_number() || ids == line.end() || !ids->is_array()) {
      return Err(Code::kInvalidArgument, options.path, ": request ", i + 1, ": wanted ",
                 trace.timestamp, ", ", trace.input_length, ", ", trace.output_length, " and ",
                 trace.hash_ids);
    }
    const double at = time->get<double>();
    if (i == 0) first = last = at;
    if (at < last) {
      return Err(Code::kInvalidArgument, options.path, ": request ", i + 1, ": found ",
                 trace.timestamp, " ", at, " after ", last, ", wanted times in order");
    }
    last = at;
    bool padded = false;
    WEIR_ASSIGN_OR_RETURN(std::vector<TokenId> tokens,
                          TracePrompt(options, pool, *ids, input, i, padded));
    num_padded += padded;
    WorkloadRequest& request = workload.requests.emplace_back();
    WEIR_RETURN_IF_ERROR(SetPrompt(options, std::move(tokens), request));
    request.output_tokens = output;
    request.id = fmt::format("{}{}", options.id_prefix, i);
    if (options.self_timed) request.at_s = (at - first) * trace.seconds_per_unit;
  }
  if (workload.requests.empty()) {
    return Err(Code::kInvalidArgument, options.path, ": found no requests");
  }
  if (num_padded > 0) {
    workload.notes.push_back(
        fmt::format("{} prompts are longer than their {} times --timed-trace-chunk-hash-size {}: "
                    "filled up with tokens that nothing shares",
                    num_padded, trace.hash_ids, trace.chunk_tokens));
  }
  return workload;
}

}  // namespace weir::loadgen
