// SPDX-License-Identifier: Apache-2.0
//
// The steps that `weir bench attention` times: a set that stands for serving, or what the user
// writes in the syntax of `weir plan` (plan_rows.h).
#ifndef WEIR_CLI_BENCH_ATTENTION_CASES_H_
#define WEIR_CLI_BENCH_ATTENTION_CASES_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "attention/attn_shape.h"
#include "cli/attention_workload.h"

namespace weir {

// What a step's time is compared with: decodes with reading, prefills with computing, a mixed step
// with the better of both at once.
enum class CaseKind { kDecode, kPrefill, kMixed };

struct BenchCase {
  std::string name;  // as the user wrote it, or "log-normal x32"
  std::vector<SeqLengths> seqs;

  CaseKind kind() const;
  std::vector<SeqLengths> decodes() const;
  std::vector<SeqLengths> prefills() const;
};

// At most so many sequences, and so many keys of all of them.
inline constexpr int32_t kMaxBenchSeqs = 4096;
inline constexpr int64_t kMaxBenchKeys = int64_t{1} << 28;

Result<BenchCase> ParseBenchCase(const std::string& rows);

std::vector<BenchCase> DefaultBenchCases();

struct BenchShape {
  std::string name;
  int32_t num_q_heads;
  int32_t num_kv_heads;
  int32_t head_dim;
};

// "0.6b,8b" or "HQ/HKV/D", joined by commas: of Qwen3 models, or heads and head size.
Result<std::vector<BenchShape>> ParseBenchShapes(std::string_view text);

}  // namespace weir

#endif  // WEIR_CLI_BENCH_ATTENTION_CASES_H_
