// SPDX-License-Identifier: Apache-2.0
#include "attention/policy.h"

#include <charconv>
#include <optional>

#include "base/error.h"

namespace weir {
namespace {

constexpr int32_t kMaxFixedSplits = 256;
constexpr size_t kMaxShownBytes = 80;

tl::unexpected<Error> Unknown(std::string_view what, std::string_view found,
                              std::string_view wanted) {
  const bool cut = found.size() > kMaxShownBytes;
  return Err(Code::kInvalidArgument, what, ": found \"", found.substr(0, kMaxShownBytes),
             cut ? "...\"" : "\"", ", wanted ", wanted);
}

AttnPolicy Older(std::string_view name, AttnRouting routing, KvSplitRule splits) {
  AttnPolicy policy;
  policy.name = name;
  policy.routing = routing;
  policy.splits = splits;
  policy.cascade = false;
  return policy;
}

// Digits only: no sign, no space, nothing behind them.
std::optional<int32_t> ParseCount(std::string_view text, int32_t max) {
  int32_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end || value < 1 || value > max) return std::nullopt;
  return value;
}

}  // namespace

Result<AttnPolicy> ParseAttnPolicy(std::string_view name) {
  if (name == "before") return Older(name, AttnRouting::kBatchPaged, KvSplitRule::kFixedGated);
  if (name == "pr85") return Older(name, AttnRouting::kBatch, KvSplitRule::kBatchGated);
  if (name == "weir") return AttnPolicy{};
  return Unknown("attention policy", name, "before, pr85 or weir");
}

Result<AttnRouting> ParseAttnRouting(std::string_view text) {
  if (text == "batch-paged") return AttnRouting::kBatchPaged;
  if (text == "batch") return AttnRouting::kBatch;
  if (text == "row") return AttnRouting::kRow;
  return Unknown("attention routing", text, "batch-paged, batch or row");
}

Status ParseKvSplits(std::string_view text, AttnPolicy& policy) {
  constexpr std::string_view kFixedPrefix = "fixed:";
  if (text == "batch") {
    policy.splits = KvSplitRule::kBatch;
  } else if (text == "batch-gated") {
    policy.splits = KvSplitRule::kBatchGated;
  } else if (text == "planned") {
    policy.splits = KvSplitRule::kPlanned;
  } else if (text.substr(0, kFixedPrefix.size()) == kFixedPrefix) {
    const auto count = ParseCount(text.substr(kFixedPrefix.size()), kMaxFixedSplits);
    if (!count) return Unknown("KV splits", text, "fixed:N with N from 1 to 256");
    policy.splits = KvSplitRule::kFixed;
    policy.fixed_splits = *count;
  } else {
    return Unknown("KV splits", text, "fixed:N, batch, batch-gated or planned");
  }
  return Ok();
}

}  // namespace weir
