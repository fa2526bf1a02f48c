// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_attention_cases.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numbers>
#include <random>

#include "base/check.h"
#include "base/error.h"
#include "cli/plan_rows.h"
#include "kernels/kv_layout.h"

namespace weir {
namespace {

constexpr const char* kDefaultRows[] = {"1x2500",      "8x2500",         "32x2500",
                                        "1x32k,15x2k", "1x2500+0",       "1x512+2000",
                                        "1x128+8k",    "8x2500,1x512+0", "8x2500,1x512+2000"};
constexpr size_t kLogNormalAt = 3;  // its place in the set

struct NamedShape {
  std::string_view name;
  int32_t num_q_heads;
  int32_t num_kv_heads;
};
constexpr int32_t kNamedHeadDim = 128;  // of all of them
constexpr NamedShape kNamedShapes[] = {{"0.6b", 16, 8}, {"1.7b", 16, 8}, {"4b", 32, 8},
                                       {"8b", 32, 8},   {"14b", 40, 8},  {"32b", 64, 8}};

constexpr int32_t kMaxHeads = 1024;

// By hand, because the standard library's distributions differ from one system to the next.
BenchCase LogNormalCase() {
  constexpr int kSeqs = 32;
  constexpr double kMedian = 1200;
  std::mt19937 random(1);
  const auto uniform = [&] { return (random() + 0.5) / 4294967296.0; };
  BenchCase c{.name = "log-normal x32"};
  for (int i = 0; i < kSeqs; ++i) {
    const double radius = std::sqrt(-2 * std::log(uniform()));
    const double normal = radius * std::cos(2 * std::numbers::pi * uniform());
    const auto len = static_cast<int32_t>(kMedian * std::exp(normal));
    c.seqs.push_back({.q_len = 1, .kv_len = std::clamp(len, 16, 16384)});
  }
  return c;
}

std::vector<SeqLengths> Filtered(const std::vector<SeqLengths>& seqs, bool decodes) {
  std::vector<SeqLengths> found;
  std::copy_if(seqs.begin(), seqs.end(), std::back_inserter(found),
               [&](const SeqLengths& seq) { return seq.decode() == decodes; });
  return found;
}

// A whole number up to a slash or the end, which are taken too.
bool TakeNumber(std::string_view& text, int32_t max, int32_t& number) {
  const size_t slash = std::min(text.find('/'), text.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + slash, number);
  if (error != std::errc() || end != text.data() + slash) return false;
  text.remove_prefix(std::min(slash + 1, text.size()));
  return number >= 1 && number <= max;
}

Result<BenchShape> ParseShape(std::string_view text) {
  for (const NamedShape& named : kNamedShapes) {
    if (named.name != text) continue;
    return BenchShape{std::string(text), named.num_q_heads, named.num_kv_heads, kNamedHeadDim};
  }
  BenchShape shape{.name = std::string(text)};
  std::string_view rest = text;
  const bool three = std::count(text.begin(), text.end(), '/') == 2;
  if (!three || !TakeNumber(rest, kMaxHeads, shape.num_q_heads) ||
      !TakeNumber(rest, kMaxHeads, shape.num_kv_heads) ||
      !TakeNumber(rest, kMaxHeadDim, shape.head_dim) ||
      shape.num_q_heads % shape.num_kv_heads != 0 || shape.head_dim % 2 != 0) {
    std::string names;
    for (const NamedShape& named : kNamedShapes) names += std::string(named.name) + ", ";
    return Err(Code::kInvalidArgument, "--shapes: found ", text, ", wanted ", names,
               "or query heads/KV heads/head size such as 32/8/128");
  }
  return shape;
}

}  // namespace

CaseKind BenchCase::kind() const {
  const size_t num_decodes = decodes().size();
  if (num_decodes == seqs.size()) return CaseKind::kDecode;
  return num_decodes == 0 ? CaseKind::kPrefill : CaseKind::kMixed;
}

std::vector<SeqLengths> BenchCase::decodes() const { return Filtered(seqs, true); }
std::vector<SeqLengths> BenchCase::prefills() const { return Filtered(seqs, false); }

Result<BenchCase> ParseBenchCase(const std::string& rows) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<RowGroup> groups, ParseRows(rows));
  BenchCase c{.name = rows};
  int64_t num_seqs = 0;
  int64_t num_keys = 0;
  for (const RowGroup& group : groups) {
    num_seqs += group.count;
    num_keys += int64_t{group.count} * group.kv_len();
    if (num_seqs > kMaxBenchSeqs || num_keys > kMaxBenchKeys) {
      return Err(Code::kInvalidArgument, "--rows: ", rows, ": found ", num_seqs, " sequences and ",
                 num_keys, " keys, wanted at most ", kMaxBenchSeqs, " and ", kMaxBenchKeys);
    }
    c.seqs.insert(c.seqs.end(), static_cast<size_t>(group.count),
                  {.q_len = group.q_len, .kv_len = group.kv_len()});
  }
  return c;
}

std::vector<BenchCase> DefaultBenchCases() {
  std::vector<BenchCase> cases;
  for (const char* rows : kDefaultRows) {
    auto parsed = ParseBenchCase(rows);
    WEIR_CHECK(parsed.has_value());
    cases.push_back(std::move(*parsed));
  }
  cases.insert(cases.begin() + kLogNormalAt, LogNormalCase());
  return cases;
}

Result<std::vector<BenchShape>> ParseBenchShapes(std::string_view text) {
  std::vector<BenchShape> shapes;
  while (true) {
    const size_t comma = std::min(text.find(','), text.size());
    WEIR_ASSIGN_OR_RETURN(shapes.emplace_back(), ParseShape(text.substr(0, comma)));
    if (comma == text.size()) return shapes;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace weir
