// SPDX-License-Identifier: Apache-2.0
#include "engine/engine_options.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "engine/attention_setup.h"
#include "engine/decode_capture.h"
#include "kv/page_pool.h"

namespace weir {
namespace {

Status CheckRange(const char* name, int64_t value, int64_t least, int64_t most) {
  if (value >= least && value <= most) return Ok();
  return Err(Code::kInvalidArgument, name, ": found ", value, ", wanted ", least, " to ", most);
}

Status ValidateScheduling(const SchedulingOptions& o, int32_t max_num_seqs) {
  constexpr double kMostBudgetMs = 3'600'000;
  if (!(o.itl_budget_ms >= 0 && o.itl_budget_ms <= kMostBudgetMs)) {
    return Err(Code::kInvalidArgument, "itl_budget_ms: found ", o.itl_budget_ms, ", wanted 0 to ",
               kMostBudgetMs);
  }
  WEIR_RETURN_IF_ERROR(
      CheckRange("long_prefill_token_threshold", o.long_prefill_token_threshold, 0, 1 << 24));
  if (const auto mode = ParseGraphMode(o.graph_mode); !mode) return tl::unexpected(mode.error());
  const auto sizes = CaptureSizes(o.capture_sizes, max_num_seqs);
  if (!sizes) return tl::unexpected(sizes.error());
  return Ok();
}

// Slot numbers are 32-bit.
int64_t MostPages(int32_t page_len) { return std::numeric_limits<int32_t>::max() / page_len; }

}  // namespace

std::string HumanBytes(int64_t num_bytes) {
  if (num_bytes >= 1'000'000'000)
    return fmt::format("{:.2f} GB", static_cast<double>(num_bytes) / 1e9);
  if (num_bytes >= 1'000'000) return fmt::format("{:.1f} MB", static_cast<double>(num_bytes) / 1e6);
  return fmt::format("{} bytes", num_bytes);
}

Status ValidateOptions(const EngineOptions& o) {
  WEIR_RETURN_IF_ERROR(CheckRange("num_threads", o.num_threads, 0, 1024));
  WEIR_RETURN_IF_ERROR(CheckRange("max_model_len", o.max_model_len, 0, 1 << 24));
  WEIR_RETURN_IF_ERROR(CheckRange("max_num_seqs", o.max_num_seqs, 1, 4096));
  WEIR_RETURN_IF_ERROR(CheckRange("max_num_batched_tokens", o.max_num_batched_tokens, 1, 1 << 17));
  WEIR_RETURN_IF_ERROR(CheckRange("kv_cache_bytes", o.kv_cache_bytes, 0, int64_t{1} << 45));
  if (const auto policy = AttnPolicyOf(o.attention); !policy) {
    return tl::unexpected(policy.error());
  }
  if (!(o.kv_cache_fraction > 0 && o.kv_cache_fraction <= 1)) {
    return Err(Code::kInvalidArgument, "kv_cache_fraction: found ", o.kv_cache_fraction,
               ", wanted more than 0 and at most 1");
  }
  WEIR_RETURN_IF_ERROR(ValidateScheduling(o.scheduling, o.max_num_seqs));
  if (o.page_len < 16 || o.page_len > 256 || (o.page_len & (o.page_len - 1)) != 0) {
    return Err(Code::kInvalidArgument, "page_len: found ", o.page_len,
               ", wanted a power of two from 16 to 256");
  }
  if (o.max_num_batched_tokens < o.max_num_seqs) {
    return Err(Code::kInvalidArgument, "max_num_batched_tokens: found ", o.max_num_batched_tokens,
               ", wanted at least max_num_seqs ", o.max_num_seqs,
               ", because each running sequence decodes one token per step");
  }
  return Ok();
}

Status CheckWeightsFit(const std::string& model, int64_t weight_bytes, int64_t activation_bytes,
                       int64_t available_bytes) {
  const int64_t needed = weight_bytes + activation_bytes;
  if (needed <= available_bytes) return Ok();
  return Err(Code::kOutOfMemory, model, ": needs ", HumanBytes(needed), " (weights ",
             HumanBytes(weight_bytes), " in BF16, activations ", HumanBytes(activation_bytes),
             "), wanted at most the ", HumanBytes(available_bytes), " of memory that is available");
}

Result<KvSizes> ChooseKvSizes(const EngineOptions& options, const KvShape& shape,
                              int32_t model_max_position, int64_t free_bytes) {
  const int64_t page_bytes = KvBytesPerPage(shape);
  const int32_t wanted_len = options.max_model_len > 0 ? options.max_model_len : model_max_position;
  if (wanted_len > model_max_position) {
    return Err(Code::kInvalidArgument, "max_model_len: found ", wanted_len,
               ", the model was made for at most ", model_max_position, " tokens");
  }
  const int64_t all_contexts = int64_t{PagesFor(wanted_len, shape.page_len)} * options.max_num_seqs;
  const auto share =
      static_cast<int64_t>(static_cast<double>(free_bytes) * options.kv_cache_fraction);
  const int64_t budget = options.kv_cache_bytes > 0 ? options.kv_cache_bytes : share;
  if (options.kv_cache_bytes > free_bytes) {
    return Err(Code::kOutOfMemory, "kv_cache_bytes: found ", HumanBytes(options.kv_cache_bytes),
               ", ", HumanBytes(free_bytes), " are available besides the weights");
  }
  const int64_t affordable = std::min(budget / page_bytes, MostPages(shape.page_len));
  const int64_t num_pages =
      options.kv_cache_bytes > 0 ? affordable : std::min(affordable, all_contexts);
  const int64_t capacity = num_pages * shape.page_len;
  if (num_pages < 1 || (options.max_model_len > 0 && capacity < wanted_len)) {
    return Err(
        Code::kOutOfMemory, "KV cache: ", HumanBytes(budget), " (",
        options.kv_cache_bytes > 0 ? std::string("kv_cache_bytes")
                                   : fmt::format("kv_cache_fraction {} of the {} that are free",
                                                 options.kv_cache_fraction, HumanBytes(free_bytes)),
        ") hold ", capacity, " tokens (", HumanBytes(page_bytes), " per page of ", shape.page_len,
        "), wanted at least ", options.max_model_len > 0 ? wanted_len : shape.page_len);
  }
  return KvSizes{.num_pages = static_cast<int32_t>(num_pages),
                 .max_model_len = static_cast<int32_t>(std::min<int64_t>(wanted_len, capacity))};
}

}  // namespace weir
