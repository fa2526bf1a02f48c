// SPDX-License-Identifier: Apache-2.0
#include "loadgen/workload/synthetic.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "base/error.h"
#include "loadgen/workload/mersenne_twister.h"
#include "loadgen/workload/pcg64.h"
#include "loadgen/workload/token_pool.h"

namespace weir::loadgen {
namespace {

constexpr int64_t kMaxTokens = int64_t{1} << 24;  // of one prompt or answer

struct Range {
  int64_t low;
  int64_t high;
};

Range RangeOf(int64_t length, double ratio, int64_t least) {
  const auto wanted = static_cast<double>(length);
  return {std::max(least, static_cast<int64_t>(std::floor(wanted * (1 - ratio)))),
          std::max(least, static_cast<int64_t>(std::ceil(wanted * (1 + ratio))))};
}

std::vector<int64_t> Draw(Pcg64& random, int64_t count, int64_t low, int64_t high) {
  std::vector<int64_t> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(random.Integer(low, high));
  return values;
}

Status CheckLength(const char* option, int64_t length, int64_t least) {
  if (length >= least && length <= kMaxTokens) return Ok();
  return Err(Code::kInvalidArgument, option, ": found ", length, ", wanted ", least, " to ",
             kMaxTokens);
}

Status CheckRandom(const LengthOptions& lengths) {
  WEIR_RETURN_IF_ERROR(CheckLength("--random-input-len", lengths.input, 0));
  WEIR_RETURN_IF_ERROR(CheckLength("--random-output-len", lengths.output, 0));
  WEIR_RETURN_IF_ERROR(CheckLength("--random-prefix-len", lengths.prefix, 0));
  if (!(lengths.range_ratio >= 0 && lengths.range_ratio < 1)) {
    return Err(Code::kInvalidArgument, "--random-range-ratio: found ", lengths.range_ratio,
               ", wanted at least 0 and less than 1");
  }
  if (lengths.prefix + RangeOf(lengths.input, lengths.range_ratio, 0).low < 1) {
    return Err(Code::kInvalidArgument, "--random-input-len: found ", lengths.input,
               " with --random-range-ratio ", lengths.range_ratio,
               ", wanted prompts of at least one token");
  }
  return Ok();
}

Status CheckText(const WorkloadOptions& options) {
  if (options.as_tokens || options.tokenizer != nullptr) return Ok();
  return Err(Code::kInvalidArgument,
             "--tokenizer: not given, wanted a folder with tokenizer.json: ", options.dataset,
             " prompts of a known length cannot be made as text without it");
}

// Gives the prompt its form. Counts in `mismatch` what the text has too many or too few.
void SetPrompt(const WorkloadOptions& options, std::vector<TokenId> tokens,
               FunctionRef<TokenId()> draw, WorkloadRequest& request, int64_t& mismatch) {
  if (options.as_tokens) {
    request.prompt_tokens = static_cast<int64_t>(tokens.size());
    request.tokens = std::move(tokens);
    return;
  }
  const size_t wanted = tokens.size();
  FittedText fitted = FitText(*options.tokenizer, std::move(tokens), wanted, draw);
  request.text = std::move(fitted.text);
  request.prompt_tokens = static_cast<int64_t>(fitted.tokens.size());
  mismatch += std::abs(request.prompt_tokens - static_cast<int64_t>(wanted));
}

void NoteMismatch(int64_t mismatch, Workload& workload) {
  if (mismatch == 0) return;
  workload.notes.push_back(
      fmt::format("texts have {} tokens more or fewer than wanted in total: not every id survives "
                  "being text",
                  mismatch));
}

// Ids in a row from a place that differs for every request, as vLLM has it: with a whole vocabulary
// hardly two prompts begin alike. Few ids would make many, so those are drawn one by one.
std::vector<TokenId> InnerTokens(const TokenPool& pool, bool whole_vocabulary, int64_t begin,
                                 int64_t length, uint64_t seed) {
  std::vector<TokenId> tokens;
  const auto num_allowed = static_cast<int64_t>(pool.allowed.size());
  Pcg64 random(seed);
  for (int64_t i = 0; i < length; ++i) {
    const int64_t at =
        whole_vocabulary ? (begin + i) % num_allowed : random.Integer(0, num_allowed);
    tokens.push_back(pool.allowed[static_cast<size_t>(at)]);
  }
  return tokens;
}

}  // namespace

Result<Workload> MakeRandom(const WorkloadOptions& options) {
  const LengthOptions& lengths = options.random;
  WEIR_RETURN_IF_ERROR(CheckRandom(lengths));
  WEIR_RETURN_IF_ERROR(CheckText(options));
  const TokenPool pool = options.tokenizer != nullptr ? PoolOf(*options.tokenizer) : CommonPool();
  const auto num_allowed = static_cast<int64_t>(pool.allowed.size());
  Pcg64 random(options.seed);
  const Range input = RangeOf(lengths.input, lengths.range_ratio, 0);
  const Range output = RangeOf(lengths.output, lengths.range_ratio, 1);
  const int64_t n = options.num_requests;
  const std::vector<int64_t> inputs = Draw(random, n, input.low, input.high + 1);
  const std::vector<int64_t> outputs = Draw(random, n, output.low, output.high + 1);
  const std::vector<int64_t> offsets = Draw(random, n, 0, pool.vocab_size);
  std::vector<TokenId> prefix;
  for (const int64_t at : Draw(random, lengths.prefix, 0, num_allowed)) {
    prefix.push_back(pool.allowed[static_cast<size_t>(at)]);
  }
  Workload workload;
  int64_t mismatch = 0;
  for (int64_t i = 0; i < n; ++i) {
    const auto at = static_cast<size_t>(i);
    std::vector<TokenId> tokens = prefix;
    const std::vector<TokenId> inner =
        InnerTokens(pool, options.tokenizer != nullptr, offsets[at] + i, inputs[at],
                    options.seed ^ static_cast<uint64_t>(i + 1) << 32);
    tokens.insert(tokens.end(), inner.begin(), inner.end());
    WorkloadRequest& request = workload.requests.emplace_back();
    request.output_tokens = outputs[at];
    request.id = fmt::format("{}{}", options.id_prefix, i);
    const auto draw = [&] { return static_cast<TokenId>(random.Integer(0, pool.vocab_size)); };
    SetPrompt(options, std::move(tokens), draw, request, mismatch);
  }
  NoteMismatch(mismatch, workload);
  return workload;
}

Result<Workload> MakePrefixRepetition(const WorkloadOptions& options) {
  const PrefixRepetitionOptions& lengths = options.prefix_repetition;
  WEIR_RETURN_IF_ERROR(CheckLength("--prefix-repetition-prefix-len", lengths.prefix, 0));
  WEIR_RETURN_IF_ERROR(CheckLength("--prefix-repetition-suffix-len", lengths.suffix, 1));
  WEIR_RETURN_IF_ERROR(CheckLength("--prefix-repetition-output-len", lengths.output, 1));
  WEIR_RETURN_IF_ERROR(CheckText(options));
  if (lengths.num_prefixes < 1 || lengths.num_prefixes > options.num_requests) {
    return Err(Code::kInvalidArgument, "--prefix-repetition-num-prefixes: found ",
               lengths.num_prefixes, ", wanted 1 to --num-prompts ", options.num_requests);
  }
  const TokenPool pool = options.tokenizer != nullptr ? PoolOf(*options.tokenizer) : CommonPool();
  MersenneTwister random = MersenneTwister::NumpySeed(static_cast<uint32_t>(options.seed));
  const auto draw = [&] {
    return pool.allowed[NumpyBelow(random, static_cast<uint32_t>(pool.allowed.size()))];
  };
  const auto draw_many = [&](int64_t count) {
    std::vector<TokenId> tokens;
    while (static_cast<int64_t>(tokens.size()) < count) tokens.push_back(draw());
    return tokens;
  };
  Workload workload;
  int64_t mismatch = 0;
  for (int64_t prefix = 0; prefix < lengths.num_prefixes; ++prefix) {
    const std::vector<TokenId> shared = draw_many(lengths.prefix);
    for (int64_t i = 0; i < options.num_requests / lengths.num_prefixes; ++i) {
      std::vector<TokenId> tokens = shared;
      const std::vector<TokenId> suffix = draw_many(lengths.suffix);
      tokens.insert(tokens.end(), suffix.begin(), suffix.end());
      WorkloadRequest& request = workload.requests.emplace_back();
      request.output_tokens = lengths.output;
      SetPrompt(options, std::move(tokens), draw, request, mismatch);
    }
  }
  MersenneTwister order = MersenneTwister::PythonSeed(options.seed);
  if (options.shuffle) PythonShuffle(order, workload.requests);
  for (size_t i = 0; i < workload.requests.size(); ++i) {
    workload.requests[i].id = fmt::format("{}{}", options.id_prefix, i);
  }
  NoteMismatch(mismatch, workload);
  return workload;
}

}  // namespace weir::loadgen
