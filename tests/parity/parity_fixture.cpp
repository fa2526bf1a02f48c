// SPDX-License-Identifier: Apache-2.0
#include "tests/parity/parity_fixture.h"

#include <algorithm>

#include "base/check.h"
#include "tensor/cpu_features.h"

namespace weir::parity {

std::vector<const KernelTable*> TablesThatRun() {
  std::vector<const KernelTable*> tables;
  for (const KernelTable* table : AllKernelTables()) {
    if (table->runs_on(DetectCpuFeatures())) tables.push_back(table);
  }
  return tables;
}

std::string ReadableName(const ParityParam& param) {
  std::string name = std::string(std::get<0>(param)->name) + "_" + std::get<1>(param);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == '/' || c == '-'; }, '_');
  return name;
}

void Parity::SetUp() {
  auto parity = LoadCase(std::get<1>(GetParam()));
  ASSERT_TRUE(parity) << parity.error().message;
  case_ = std::move(*parity);
  runner_ = OpenRunner(/*num_threads=*/2, /*page_len=*/16);
}

std::unique_ptr<ModelRunner> Parity::OpenRunner(int32_t num_threads, int32_t page_len) const {
  auto runner = ModelRunner::Open(case_.folder, {std::get<0>(GetParam()), num_threads, page_len});
  if (!runner) CheckFailed(__FILE__, __LINE__, runner.error().message);
  return std::move(*runner);
}

std::span<const float> Parity::Row(std::span<const float> logits, size_t row) const {
  return logits.subspan(row * case_.vocab_size, case_.vocab_size);
}

std::vector<float> Parity::InSteps(const std::vector<TokenId>& prompt, std::vector<size_t> cuts) {
  runner_->Restart();
  cuts.push_back(prompt.size());
  std::vector<float> logits;
  size_t begin = 0;
  for (const size_t end : cuts) {
    const auto step = runner_->Step({0, std::span(prompt).subspan(begin, end - begin)});
    logits.insert(logits.end(), step.begin(), step.end());
    begin = end;
  }
  return logits;
}

}  // namespace weir::parity
