// SPDX-License-Identifier: Apache-2.0
//
// A small random model and what two oracles say about it, as tools/oracle recorded it.
#ifndef WEIR_TESTS_PARITY_PARITY_CASE_H_
#define WEIR_TESTS_PARITY_PARITY_CASE_H_

#include <cstdint>
#include <string>
#include <vector>

#include <weir/request.h>
#include <weir/result.h>

namespace weir::parity {

struct Prompt {
  std::vector<TokenId> tokens;
  std::vector<TokenId> best;         // after each token: the most probable next one
  std::vector<float> margin;         // and its lead over the second
  std::vector<TokenId> greedy;       // the continuation
  std::vector<float> greedy_margin;  // the lead of each of its tokens
  std::vector<int32_t> logit_rows;   // positions whose logits are recorded
  std::vector<float> numpy_logits;   // [logit_rows, vocab], computed in float64
  std::vector<float> hf_logits;      // [logit_rows, vocab], Hugging Face transformers in float32
};

struct ParityCase {
  std::string folder;  // config.json and weights
  int32_t vocab_size;
  bool bf16_weights;  // otherwise they are rounded at load
  float logits_rms;
  std::vector<Prompt> prompts;
};

// Names of all cases, ascending.
std::vector<std::string> CaseNames();
Result<ParityCase> LoadCase(const std::string& name);

}  // namespace weir::parity

#endif  // WEIR_TESTS_PARITY_PARITY_CASE_H_
