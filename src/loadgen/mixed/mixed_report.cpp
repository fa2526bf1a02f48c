// SPDX-License-Identifier: Apache-2.0
//
// The mixed-load profile as text and as JSON.
#include <fmt/format.h>

#include "loadgen/mixed/mixed.h"

namespace weir::loadgen {
namespace {

struct Row {
  const char* label;
  const char* key;
  GapTag tag;
};
constexpr Row kRows[] = {{"steady", "steady", GapTag::kSteady},
                         {"under a fresh prefill", "under_fresh_prefill", GapTag::kFresh},
                         {"under a cached prefill", "under_cached_prefill", GapTag::kCached}};

std::string GapRow(const char* label, const Distribution& seconds, const Distribution& steady) {
  if (seconds.size() == 0) return fmt::format("{:<24}{:>8}\n", label, 0);
  const double base = steady.median();
  const std::string times = base > 0 ? fmt::format("{:.2f}x", seconds.median() / base) : "-";
  return fmt::format("{:<24}{:>8}{:>12.2f}{:>12.2f}{:>12.2f}{:>14}\n", label, seconds.size(),
                     1000 * seconds.median(), 1000 * seconds.Percentile(99), 1000 * seconds.max(),
                     times);
}

std::string RateRow(const char* label, const PrefillRates& rates) {
  const std::string part =
      rates.alone > 0 ? fmt::format("{:.0f} %", 100 * rates.loaded / rates.alone) : "-";
  return fmt::format("{:<24}{:>16.0f}{:>16.0f}{:>12}\n", label, rates.alone, rates.loaded, part);
}

const char* TagName(GapTag tag) {
  return tag == GapTag::kSteady ? "steady" : tag == GapTag::kFresh ? "fresh" : "cached";
}

Json RatesJson(const PrefillRates& rates) {
  return {{"alone_tok_s", rates.alone}, {"loaded_tok_s", rates.loaded}};
}

}  // namespace

std::string MixedText(const MixedOptions& options, const MixedResult& result) {
  const Distribution steady = result.gaps.Of(GapTag::kSteady);
  std::string out = fmt::format(
      "{}: {} decodes at {} tokens; prompts of {} tokens, fresh and with {} of them cached\n\n"
      "{:<24}{:>8}{:>12}{:>12}{:>12}{:>14}\n",
      result.model_id, options.background, options.background_context, options.inject_len,
      options.inject_cached, "gaps between tokens", "count", "median ms", "p99 ms", "max ms",
      "median/steady");
  for (const Row& row : kRows) out += GapRow(row.label, result.gaps.Of(row.tag), steady);
  out += fmt::format("\n{:<24}{:>16}{:>16}{:>12}\n", "prefill rate", "alone tok/s", "loaded tok/s",
                     "kept");
  out += RateRow("fresh", result.fresh);
  out += RateRow("cached, computed part", result.cached);
  if (!result.longest.empty()) out += "\nlongest gaps under a prefill\n";
  for (const StretchedGap& stretched : result.longest) {
    const TaggedGap& gap = stretched.gap;
    out += fmt::format("{:>9.2f} ms  at {:>7.3f} s  decode {:<4} injected {} ({})  {}\n",
                       1000 * gap.gap.span.length_s(), gap.gap.span.begin_s - result.begin_s,
                       gap.gap.request, gap.injected, TagName(gap.tag), stretched.step);
  }
  if (result.failed > 0) {
    out += fmt::format("Failed requests: {}; the first: {}\n", result.failed, result.first_error);
  }
  for (const std::string& note : result.notes) out += "Note: " + note + "\n";
  return out;
}

Json MixedJson(const MixedOptions& options, const MixedResult& result) {
  Json json = {{"model_id", result.model_id},
               {"background", options.background},
               {"background_context", options.background_context},
               {"inject_len", options.inject_len},
               {"inject_cached", options.inject_cached},
               {"inject_count", options.inject_count},
               {"inject_interval_s", options.inject_interval_s},
               {"seed", options.seed},
               {"interrupted", result.interrupted},
               {"failed", result.failed}};
  for (const Row& row : kRows) {
    const Distribution seconds = result.gaps.Of(row.tag);
    json["gaps"][row.key] = {{"count", seconds.size()},
                             {"median_ms", 1000 * seconds.median()},
                             {"p99_ms", 1000 * seconds.Percentile(99)},
                             {"max_ms", 1000 * seconds.max()}};
  }
  json["prefill"] = {{"fresh", RatesJson(result.fresh)}, {"cached", RatesJson(result.cached)}};
  json["longest"] = Json::array();
  for (const StretchedGap& stretched : result.longest) {
    const TaggedGap& gap = stretched.gap;
    json["longest"].push_back({{"ms", 1000 * gap.gap.span.length_s()},
                               {"at_s", gap.gap.span.begin_s - result.begin_s},
                               {"decode", gap.gap.request},
                               {"injected", gap.injected},
                               {"kind", TagName(gap.tag)},
                               {"step", stretched.step}});
  }
  json["notes"] = result.notes;
  return json;
}

}  // namespace weir::loadgen
