// SPDX-License-Identifier: Apache-2.0
//
// What every parity test starts from: one case, one kernel table, and a runner for both.
#ifndef WEIR_TESTS_PARITY_PARITY_FIXTURE_H_
#define WEIR_TESTS_PARITY_PARITY_FIXTURE_H_

#include <cstddef>
#include <gtest/gtest.h>
#include <memory>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/kernel_table.h"
#include "tests/parity/model_runner.h"
#include "tests/parity/parity_case.h"

namespace weir::parity {

using ParityParam = std::tuple<const KernelTable*, std::string>;  // the string names the case

std::vector<const KernelTable*> TablesThatRun();
std::string ReadableName(const ParityParam& param);  // "cpu_avx512_odd_sizes"

class Parity : public testing::TestWithParam<ParityParam> {
 protected:
  void SetUp() override;

  // Of the fixture's case and table.
  std::unique_ptr<ModelRunner> OpenRunner(int32_t num_threads, int32_t page_len) const;

  // [vocab] of [rows, vocab]
  std::span<const float> Row(std::span<const float> logits, size_t row) const;

  // Logits of all rows of a prompt that is the first and only one, in steps that end at `cuts` and
  // at its end.
  std::vector<float> InSteps(const std::vector<TokenId>& prompt, std::vector<size_t> cuts);
  std::vector<float> InOneStep(const std::vector<TokenId>& prompt) { return InSteps(prompt, {}); }

  ParityCase case_;
  std::unique_ptr<ModelRunner> runner_;  // two threads, pages of 16
};

}  // namespace weir::parity

#endif  // WEIR_TESTS_PARITY_PARITY_FIXTURE_H_
